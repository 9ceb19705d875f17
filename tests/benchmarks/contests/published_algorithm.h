/* The published algorithms in this project's own words (not the published code): what ECG-Byte's Rust extension does,
 * read as a description, so that the benchmarks have a compiled peer for it. As there, every call begins with Python
 * lists, a trie has a hash map at every node and is built anew for each call, and training counts all pairs again at
 * each merge in a hash map. Tokens are 32-bit: 0..255 are bytes, 256 + k is merge k. */
#ifndef ECGBYTE_PUBLISHED_ALGORITHM_H
#define ECGBYTE_PUBLISHED_ALGORITHM_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

struct TrieNode {
    std::unordered_map<uint32_t, std::unique_ptr<TrieNode>> children;
    bool is_token = false;
    uint32_t token = 0;
};

static inline void add_token(TrieNode &root, const std::vector<uint32_t> &string, uint32_t token) {
    TrieNode *node = &root;
    for (uint32_t symbol : string) {
        std::unique_ptr<TrieNode> &child = node->children[symbol];
        if (!child) child = std::make_unique<TrieNode>();
        node = child.get();
    }
    node->is_token = true;
    node->token = token;
}

/* Greedy longest match; a byte that begins no token stands for itself. */
static inline std::vector<uint32_t> match_longest(const TrieNode &root, const std::vector<uint32_t> &text) {
    std::vector<uint32_t> tokens;
    std::size_t place = 0;
    while (place < text.size()) {
        const TrieNode *node = &root;
        uint32_t best = text[place];
        std::size_t end = place + 1;
        for (std::size_t i = place; i < text.size(); i++) {
            auto found = node->children.find(text[i]);
            if (found == node->children.end()) break;
            node = found->second.get();
            if (node->is_token) {
                best = node->token;
                end = i + 1;
            }
        }
        tokens.push_back(best);
        place = end;
    }
    return tokens;
}

/* All pairs counted anew at each merge, and the text written anew. Of pairs that stand equally often the smallest is
 * taken, where the published code takes whichever its hash map gives first. */
static inline std::vector<std::pair<uint32_t, uint32_t>> train_by_recounting(
    std::vector<uint32_t> text, std::size_t num_merges) {
    std::vector<std::pair<uint32_t, uint32_t>> merges;
    while (merges.size() < num_merges) {
        std::unordered_map<uint64_t, std::size_t> counts;
        for (std::size_t i = 0; i + 1 < text.size(); i++) counts[(uint64_t)text[i] << 32 | text[i + 1]]++;
        uint64_t best = 0;
        std::size_t most = 0;
        for (const auto &entry : counts)
            if (entry.second > most || (entry.second == most && entry.first < best)) {
                best = entry.first;
                most = entry.second;
            }
        if (most == 0) break;
        const uint32_t left = (uint32_t)(best >> 32), right = (uint32_t)best;
        const uint32_t token = 256 + (uint32_t)merges.size();
        std::vector<uint32_t> merged;
        merged.reserve(text.size());
        for (std::size_t i = 0; i < text.size();) {
            if (i + 1 < text.size() && text[i] == left && text[i + 1] == right) {
                merged.push_back(token);
                i += 2;
            } else {
                merged.push_back(text[i++]);
            }
        }
        text.swap(merged);
        merges.emplace_back(left, right);
    }
    return merges;
}

#endif
