// Lists of types, whole or thinned: with FEWBITS_TEST_LEAN a suite visits every third type, where building it for
// another machine or compiler, under a sanitizer or with hostile flags would take longer than what it says is worth.
// The default suite visits all.
#pragma once

namespace fewbits_test {

template <class...>
struct type_pack {};

template <class Kept, int Phase, class... Types>
struct every_third {
  using type = Kept;
};
template <class... Kept, class First, class... Rest>
struct every_third<type_pack<Kept...>, 0, First, Rest...> : every_third<type_pack<Kept..., First>, 2, Rest...> {};
template <class... Kept, int Phase, class First, class... Rest>
struct every_third<type_pack<Kept...>, Phase, First, Rest...> : every_third<type_pack<Kept...>, Phase - 1, Rest...> {};

// By way of type_pack: clang takes an alias such as ::testing::Types for a template of its own.
template <template <class...> class List, class Pack>
struct rename_pack;
template <template <class...> class List, class... Types>
struct rename_pack<List, type_pack<Types...>> {
  using type = List<Types...>;
};

/// `list_of<::testing::Types, a, b, ...>`: the list, or every third of it.
#if defined(FEWBITS_TEST_LEAN)
template <template <class...> class List, class... Types>
using list_of = typename rename_pack<List, typename every_third<type_pack<>, 0, Types...>::type>::type;
#else
template <template <class...> class List, class... Types>
using list_of = List<Types...>;
#endif

}  // namespace fewbits_test
