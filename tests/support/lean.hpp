// Lists of types, whole or thinned: with FEWBITS_TEST_LEAN a suite visits every third type, where building it for
// another machine, under a sanitizer or with hostile flags would take longer than what it says is worth. The default
// suites, with g++ and with clang, visit all.
#pragma once

namespace fewbits_test {

template <template <class...> class List, class Kept, int Phase, class... Types>
struct every_third;
template <template <class...> class List, class... Kept, int Phase>
struct every_third<List, List<Kept...>, Phase> {
  using type = List<Kept...>;
};
template <template <class...> class List, class... Kept, class First, class... Rest>
struct every_third<List, List<Kept...>, 0, First, Rest...> : every_third<List, List<Kept..., First>, 2, Rest...> {};
template <template <class...> class List, class... Kept, int Phase, class First, class... Rest>
struct every_third<List, List<Kept...>, Phase, First, Rest...> : every_third<List, List<Kept...>, Phase - 1, Rest...> {
};

/// `list_of<::testing::Types, a, b, ...>`: the list, or every third of it.
#if defined(FEWBITS_TEST_LEAN)
template <template <class...> class List, class... Types>
using list_of = typename every_third<List, List<>, 0, Types...>::type;
#else
template <template <class...> class List, class... Types>
using list_of = List<Types...>;
#endif

}  // namespace fewbits_test
