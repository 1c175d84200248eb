// Scales of sixteen blocks at once, and what their codes are made with. Included by every data sheet inside its region.
// A scale comes from a float32 quotient where that is certain; blocks for which it is not are left to the job.

/// What encloses the inverses of sixteen blocks' units; which of the blocks are not planned.
struct lane_plans {
  words low, high;
  mask left;
};
/// What encloses the inverses of units; left are units out of the window, and those that are small beside amax: whose
/// quotient is higher than `highest`.
FEWBITS_LANES void enclose_inverses(floats unit, words amax, float highest, lane_plans& made) noexcept {
  const words size = bit_and(as_words(unit), fill(0x7fffffff));
  made.left = either(made.left, either(greater(fill(static_cast<std::uint32_t>(127 + lowest_unit) << 23), size),
                                       greater(size, fill(static_cast<std::uint32_t>(127 + highest_unit) << 23))));
  made.left = either(made.left, greater(amax, as_words(multiply(as_floats(size), fill_floats(highest)))));
  const floats inverse = divide(fill_floats(1.0f), unit);
  made.low = as_words(multiply(inverse, fill_floats(just_below_one)));
  made.high = as_words(multiply(inverse, fill_floats(just_above_one)));
}
template <class Scale>
FEWBITS_LANES void store_scales(Scale* to, words scales, std::size_t count) noexcept {
  Scale stored[16];
  Scale* const place = count == 16 ? to : stored;
  if constexpr (sizeof(Scale) == 1)
    store_bytes(place, scales);
  else if constexpr (sizeof(Scale) == 2)
    store_halves(place, scales);
  else
    store_words(place, scales);
  if (count != 16)
    std::memcpy(static_cast<void*>(to), stored, count * sizeof(Scale));
}

/// Finds and stores the scales of up to sixteen blocks, from `at` on, given what decides as float32's bits.
template <class Job>
FEWBITS_LANES lane_plans plan_lanes(const Job& job, words amax, std::size_t at, std::size_t count) noexcept {
  using format = typename Job::format;
  using element = typename format::element_type;
  using scale_type = typename format::scale_type;
  const words magnitude = bit_and(amax, fill(0x7fffffff));
  words scales;
  lane_plans made;
  mask& left = made.left;
  if constexpr (Job::halves) {
    constexpr binade_steps steps = binade_steps_of<format, typename Job::block_rule>;
    constexpr auto last = static_cast<std::uint32_t>(scale_type::format.max_code());
    const words binade = shift_right<23>(add(magnitude, fill((1u << 23) - steps.threshold)));
    scales = smaller(larger(add(binade, fill(static_cast<std::uint32_t>(steps.base - 127))), fill(0)), fill(last));
    const words halvings = subtract(scales, fill(static_cast<std::uint32_t>(scale_type::format.bias)));
    // Zeros, subnormals, Inf and NaN; units whose inverse is subnormal, or under which float32's subnormals matter.
    left = either(greater(fill(0x00800000), magnitude), greater(magnitude, fill(0x7f7fffff)));
    left = either(left, either(greater(fill(static_cast<std::uint32_t>(lowest_halvings<element>)), halvings),
                               greater(halvings, fill(126))));
    made.low = made.high = shift_left<23>(subtract(fill(127), halvings));
  } else {
    // In this window nothing below overflows or is subnormal, and -100 + 60 > lowest_unit holds for what is kept.
    left = either(greater(fill((127u - 100) << 23), magnitude), greater(magnitude, fill((127u + 59) << 23)));
    words scale_bits;
    if constexpr (std::is_same_v<scale_type, float>) {
      scales = as_words(divide(as_floats(amax), fill_floats(job.divisor)));
      scale_bits = scales;
    } else {
      const narrowed found = narrow_lanes<scale_type, encoding<>>(
          as_words(multiply(as_floats(amax), fill_floats(job.inverse_divisor))), fill(0));
      constexpr float_format f = source_format<scale_type>();
      scales = found.codes;
      left = either(
          left,
          either(found.close, equal(bit_and(scales, fill(static_cast<std::uint32_t>(f.magnitude_mask()))), fill(0))));
      scale_bits = widen_lanes<scale_type>(scales);
    }
    floats unit = as_floats(scale_bits);
    if constexpr (format::has_tensor_scale)
      unit = multiply(unit, fill_floats(job.tensor_float));
    enclose_inverses(unit, magnitude, highest_quotient<element>, made);
  }
  store_scales(job.scales + at, scales, count);
  return made;
}
/// Of block b, from a plan in lanes.
template <class Job>
FEWBITS_LANES block_plan plan_of_lane(const float (&low)[16], const float (&high)[16], std::size_t b,
                                      std::size_t at) noexcept {
  using format = typename Job::format;
  block_plan plan;
  plan.at = at + b;
  if constexpr (Job::halves)
    plan.inverse_low = plan.inverse_high = low[b];
  else
    plan.set_inverses(low[b], high[b],
                      is_minifloat<typename format::element_type> && has_sign<typename format::scale_type>);
  return plan;
}
