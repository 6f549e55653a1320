// Times kvcache-simulator's own compiled code, part by part, on one core: its source is included unchanged
// (-DPEER_SOURCE), its main put aside. Prints processor seconds, the least of several runs.
#include <cstring>
#include <ctime>

#define main peer_main
#include PEER_SOURCE
#undef main

namespace {
double seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

template <typename Work>
double least(int times, Work work) {
  double best = 1e9;
  for (int i = 0; i < times; ++i) {
    const double start = seconds();
    work();
    best = std::min(best, seconds() - start);
  }
  return best;
}
}  // namespace

int main(int argc, char** argv) {
  const Options options = parse_args(argc, argv);
  const SimulationInput input = load_simulation_input(options);
  volatile std::uint64_t hits = 0;
  const double load = least(3, [&] { hits += load_simulation_input(options).unique_blocks; });
  const double ceiling = least(5, [&] { hits += simulate_ceiling(input, options).hit_tokens; });
  const double fifo = least(3, [&] { hits += simulate_fifo(input, options.capacity, options).hit_tokens; });
  const double lru = least(3, [&] { hits += simulate_trie_policy(input, options.capacity, false, options).hit_tokens; });
  std::cout << "{\"load_and_trie_s\":" << load << ",\"ceiling_s\":" << ceiling << ",\"fifo_s\":" << fifo
            << ",\"lru_s\":" << lru << ",\"unique_blocks\":" << input.unique_blocks << "}\n";
  return 0;
}
