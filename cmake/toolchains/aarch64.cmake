# aarch64: little-endian, no MXCSR, its own contraction rules.
# Debian packages: g++-aarch64-linux-gnu qemu-user. Programs are linked statically, so the emulator needs no sysroot.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
find_program(FEWBITS_EMULATOR NAMES qemu-aarch64 qemu-aarch64-static REQUIRED)
set(CMAKE_CROSSCOMPILING_EMULATOR ${FEWBITS_EMULATOR} -cpu max)
# A processor of the base architecture: suites that choose by features run on it once more.
set(FEWBITS_LEAST_MACHINE ${FEWBITS_EMULATOR} -cpu cortex-a53)
