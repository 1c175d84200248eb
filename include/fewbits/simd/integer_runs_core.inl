// What the runs of integer products take beside dot products: what they are scaled by, and how a run's sum is added to a
// result. Included by every data sheet of lanes inside its region; integer_core.inl comes after it, once for each kind
// of dot product.

/// Zero points of a block as integers.
template <class Format>
FEWBITS_LANES words zero_lanes(const panel_streams<Format>& panel, std::size_t block) noexcept {
  return integer_lanes<typename packed_types<Format>::zero>(load_bytes(panel.zeros + block * 16));
}

FEWBITS_LANES words four_integers(const std::byte* from) noexcept {
  std::uint32_t four;
  std::memcpy(&four, from, sizeof four);
  if constexpr (std::endian::native == std::endian::big)
    four = four << 24 | (four & 0xff00u) << 8 | (four >> 8 & 0xff00u) | four >> 24;
  return fill(four);
}

/// What the runs of some groups of a panel are scaled by; returns how many runs there are.
template <class Format, std::size_t RunsAGroup>
FEWBITS_NOINLINE std::size_t list_integer_runs(const packed_layout<Format>& layout, const panel_streams<Format>& panel,
                                               std::size_t first, std::size_t last, std::size_t groups_a_run,
                                               const integer_run_lists& to) noexcept {
  using packed = packed_layout<Format>;
  std::size_t runs = 0;
  for (std::size_t group = first; group < last; group += groups_a_run)
    for (std::size_t part = 0; part != RunsAGroup; ++part, ++runs) {
      if (RunsAGroup != 1 && group * 32 + part * (32 / RunsAGroup) >= layout.columns())
        return runs;  // the blocks past the last column have no scale
      const std::size_t block = packed::block_of(group, part * packed::blocks_a_group / RunsAGroup);
      store_floats(to.units + runs * 16, unit_lanes(panel, block));
      if constexpr (Format::has_zero_point)
        store_words(to.zeros + runs * 16, zero_lanes(panel, block));
      if constexpr (Format::has_minimum)
        store_floats(to.offsets + runs * 16, offset_lanes(panel, block));
    }
  return runs;
}

/// One run's sum into a result: a multiply-add of the integer, which float32 holds exactly, and the scales' product.
/// `lists` and `a` stand at the run, `r` is a row of theirs.
template <run_scaling Scaling>
FEWBITS_LANES floats add_integer_run(words sum, floats unit, const integer_run_lists& lists,
                                     const integer_activations& a, std::size_t r, floats result) noexcept {
  if constexpr (Scaling == run_scaling::affine)
    if (lists.zeros != nullptr)
      sum = subtract(sum, multiply_integers(load_words(lists.zeros), fill(static_cast<std::uint32_t>(a.sums[r]))));
  if constexpr (Scaling != run_scaling::by_weights)
    unit = multiply(unit, fill_floats(a.units[r]));
  result = multiply_add(from_integers(sum), unit, result);
  if constexpr (Scaling == run_scaling::affine)
    if (lists.offsets != nullptr)
      result = multiply_add(fill_floats(static_cast<float>(a.sums[r]) * a.units[r]), load_floats(lists.offsets), result);
  return result;
}
/// What stands at a run, at the next one.
template <run_scaling Scaling>
FEWBITS_LANES integer_run_lists next_run(integer_run_lists lists) noexcept {
  lists.units += 16;
  if constexpr (Scaling == run_scaling::affine) {
    if (lists.zeros != nullptr)
      lists.zeros += 16;
    if (lists.offsets != nullptr)
      lists.offsets += 16;
  }
  return lists;
}
template <run_scaling Scaling>
FEWBITS_LANES integer_activations next_run(integer_activations a) noexcept {
  a.starts += a.rows;
  a.sums += a.rows;
  if constexpr (Scaling != run_scaling::by_weights)
    a.units += a.rows;
  return a;
}
/// Activations from a group that begins a slice and its first run, from a row.
FEWBITS_LANES integer_activations activations_at(const integer_activations& all, std::size_t group, std::size_t run,
                                                 std::size_t row) noexcept {
  integer_activations a = all;
  a.codes = all.slice_at(group, row);
  a.starts += run * all.rows + row;
  a.sums += run * all.rows + row;
  if (all.units != nullptr)
    a.units += run * all.rows + row;
  return a;
}
