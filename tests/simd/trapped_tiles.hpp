// Runs AMX's instructions, as they stand in the program, on a processor that has none: each raises an invalid opcode,
// and the handler decodes it, does it to the emulated tiles and goes on behind it. Encodings: Intel SDM, volume 2.
#pragma once

#include <cstdint>
#include <cstdio>

#include <fewbits/simd/isa.hpp>
#include <fewbits/simd/tiles.hpp>

#include "simd/emulated_tiles.hpp"

namespace fewbits_test {
enum class tile_hardware { none, trapped, real };
}  // namespace fewbits_test

#if FEWBITS_SIMD_TILES
#include <signal.h>
#include <ucontext.h>

namespace fewbits_test {

/// What follows a VEX prefix of three bytes, register numbers put together.
class tile_instruction {
 public:
  tile_instruction(const std::uint8_t* at, const greg_t* registers) noexcept : at_(at), registers_(registers) {}

  /// False where it is none of AMX's.
  bool run() noexcept {
    // C4, then R X B inverted and map 0F38, then W0, vvvv inverted, L0 and pp.
    if (at_[0] != 0xc4 || (at_[1] & 0x1f) != 2 || (at_[2] & 0x84) != 0)
      return false;
    const int prefix = at_[2] & 3;  // none, 66, F3, F2
    const int third = ~at_[2] >> 3 & 15;
    const std::uint8_t opcode = at_[3], mod_rm = at_[4];
    const int reg = mod_rm >> 3 & 7, rm = mod_rm & 7;
    const bool is_memory = mod_rm >> 6 != 3;
    length_ = 5;
    tile_machine& tiles = tiles_here;
    if (opcode == 0x49 && third == 0) {
      if (is_memory && prefix == 0 && reg == 0)
        tiles.configure(reinterpret_cast<const void*>(address()));
      else if (mod_rm == 0xc0 && prefix == 0)
        tiles.release();
      else if (!is_memory && prefix == 3 && rm == 0)
        tiles.zero(reg);
      else
        return false;
      return true;
    }
    if (opcode == 0x4b && third == 0 && is_memory && rm == 4) {  // a base and an index, which is the stride
      void* const memory = reinterpret_cast<void*>(address());
      if (prefix == 3 || prefix == 1)
        tiles.load(reg, memory, static_cast<std::size_t>(stride_));
      else if (prefix == 2)
        tiles.store(reg, memory, static_cast<std::size_t>(stride_));
      else
        return false;
      return true;
    }
    if (opcode == 0x5e && !is_memory) {
      tiles.multiply(prefix == 3 || prefix == 2, prefix == 3 || prefix == 1, reg, rm, third);
      return true;
    }
    if (opcode == 0x5c && !is_memory && prefix == 2) {
      tiles.multiply_floats(reg, rm, third);
      return true;
    }
    return false;
  }
  [[nodiscard]] std::uint64_t end() const noexcept { return reinterpret_cast<std::uint64_t>(at_) + length_; }

 private:
  [[nodiscard]] std::uint64_t of(int number) const noexcept {
    static constexpr int order[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    return static_cast<std::uint64_t>(registers_[order[number]]);
  }
  /// Of the memory operand, without its index, which is kept as the stride where there is one.
  std::uint64_t address() noexcept {
    const int mod = at_[4] >> 6, rm = at_[4] & 7, extend_base = (at_[1] & 0x20) != 0 ? 0 : 8;
    std::uint64_t base = 0;
    bool far = mod == 2, from_here = false;
    if (rm == 4) {
      const int sib = at_[5], index = (sib >> 3 & 7) | ((at_[1] & 0x40) != 0 ? 0 : 8);
      ++length_;
      if (index != 4)
        stride_ = of(index) << (sib >> 6);
      if (mod == 0 && (sib & 7) == 5)
        far = true;
      else
        base = of((sib & 7) | extend_base);
    } else if (mod == 0 && rm == 5) {
      far = from_here = true;
    } else {
      base = of(rm | extend_base);
    }
    if (far) {
      std::int32_t displacement;
      std::memcpy(&displacement, at_ + length_, 4);
      length_ += 4;
      base += static_cast<std::uint64_t>(std::int64_t{displacement});
    } else if (mod == 1) {
      base += static_cast<std::uint64_t>(std::int64_t{static_cast<std::int8_t>(at_[length_++])});
    }
    return from_here ? base + end() : base;
  }

  const std::uint8_t* at_;
  const greg_t* registers_;
  std::size_t length_ = 0;
  std::uint64_t stride_ = 0;
};

/// As long as it lives, tile instructions of any thread run on that thread's emulated tiles.
class trapped_tiles {
 public:
  trapped_tiles() noexcept {
    struct sigaction action = {};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGILL, &action, &before_);
  }
  trapped_tiles(const trapped_tiles&) = delete;
  trapped_tiles& operator=(const trapped_tiles&) = delete;
  ~trapped_tiles() { sigaction(SIGILL, &before_, nullptr); }

  /// A processor with tiles runs some of the instructions itself.
  static bool are_possible() noexcept {
    return fewbits::is_available(fewbits::isa::avx512) && !fewbits::detected_features().amx_tile;
  }

 private:
  static void handle(int, siginfo_t*, void* context) noexcept {
    auto& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
    tile_instruction instruction(reinterpret_cast<const std::uint8_t*>(machine.gregs[REG_RIP]), machine.gregs);
    if (instruction.run())
      machine.gregs[REG_RIP] = static_cast<greg_t>(instruction.end());
    else
      signal(SIGILL, SIG_DFL);  // and meet it again
  }
  struct sigaction before_ = {};
};

/// How this machine runs AMX's instructions; says so, or that it cannot.
inline tile_hardware tile_hardware_here() noexcept {
  static const tile_hardware here = [] {
    if (fewbits::is_available(fewbits::isa::amx)) {
      std::printf("tiles: the processor's\n");
      return tile_hardware::real;
    }
    std::printf("skipped: this machine has no tiles of its own that may be used\n");
    if (trapped_tiles::are_possible()) {
      std::printf("tiles: AMX's instructions, trapped one by one and emulated\n");
      return tile_hardware::trapped;
    }
    std::printf("skipped: AMX's instructions need AVX-512 beside them, and a processor that traps them\n");
    return tile_hardware::none;
  }();
  return here;
}

}  // namespace fewbits_test
#endif
