#include "checkpoint/hdf5_tree.hpp"

#include "lipcert/error.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "checkpoint/hdf5_limits.hpp"
#include <fmt/format.h>

namespace lipcert::hdf5 {

namespace {

constexpr std::uint64_t kNowhere = ~std::uint64_t{0};
/// A dataset has at most twice the allowed chunks, which is checked when it is read.
constexpr std::uint64_t kMostEntries = 2 * kMostChunks;
constexpr std::uint64_t kGroupTree = 0;
constexpr std::uint64_t kChunkTree = 1;

/// Where the root of a tree lies, and what distinguishes its nodes.
struct Tree {
    std::uint64_t address = kNowhere;
    std::uint64_t kind = kGroupTree;
    std::size_t key_bytes = 8;
};

struct Node {
    std::uint64_t level = 0;
    std::uint64_t right = kNowhere;       ///< its neighbour
    std::vector<std::uint64_t> children;  ///< nodes of the level below; data below level 0
};

/// The tree of chunks that a layout message leads to; only messages before version 4 name one.
std::optional<Tree> chunk_tree(std::string_view body) {
    constexpr std::uint64_t kChunked = 2;
    Cursor cursor(body);
    const std::uint64_t version = cursor.number(1);
    std::uint64_t dimensions = 0;
    std::uint64_t layout = 0;
    if (version == 1 || version == 2) {
        dimensions = cursor.number(1);
        layout = cursor.number(1);
        cursor.take(5);
    } else if (version == 3) {
        layout = cursor.number(1);
        dimensions = cursor.number(1);
    }
    if (layout != kChunked) {
        return std::nullopt;
    }
    // Size and mask of the chunk, then its place in every dimension.
    return Tree{cursor.number(8), kChunkTree, 8 + 8 * static_cast<std::size_t>(dimensions)};
}

std::optional<Tree> tree_of(const Message& message) {
    if (message.type == kLayoutMessage) {
        return chunk_tree(message.body);
    }
    if (message.type == kSymbolTableMessage) {
        return Tree{Cursor(message.body).number(8), kGroupTree, 8};
    }
    return std::nullopt;
}

/// Walks one tree level by level from its root.
class TreeWalk {
public:
    TreeWalk(const RawBytes& raw, const Tree& tree, const std::string& where)
        : raw_(raw), tree_(tree), where_(where) {}

    void run() {
        std::vector<std::uint64_t> addresses{tree_.address};
        std::optional<std::uint64_t> level;
        while (!addresses.empty()) {
            const Places places = places_of(addresses);
            std::vector<std::uint64_t> below;
            for (std::size_t i = 0; i < addresses.size(); ++i) {
                Node node = read(addresses[i]);
                if (level.value_or(node.level) != node.level || !is_behind(node.right, i, places)) {
                    refuse();
                }
                level = node.level;
                if (node.level > 0) {
                    below.insert(below.end(), node.children.begin(), node.children.end());
                }
            }
            addresses = std::move(below);
            level = level.value_or(0) - 1;  // at level 0 nothing is below
        }
    }

private:
    using Places = std::unordered_map<std::uint64_t, std::size_t>;

    [[noreturn]] void refuse() const {
        throw Error(
            ErrorKind::input,
            where_,
            "holds a B-tree whose nodes do not form a tree, which libhdf5 does not survive: "
            "the file is damaged, get a fresh copy");
    }

    Node read(std::uint64_t address) {
        constexpr std::size_t kHeadBytes = 24;
        constexpr std::size_t kAddressBytes = 8;
        const std::string head = raw_.read(raw_.base + address, kHeadBytes);
        Cursor cursor(head);
        if (cursor.take(4) != "TREE" || cursor.number(1) != tree_.kind) {
            refuse();
        }
        Node node;
        node.level = cursor.number(1);
        const std::uint64_t count = cursor.number(2);
        entry_count_ += count;
        if (entry_count_ > kMostEntries) {
            throw Error(ErrorKind::input,
                        where_,
                        fmt::format("is listed in a B-tree of more than {} entries: rewrite the "
                                    "file with fewer objects or larger chunks",
                                    kMostEntries));
        }
        cursor.take(kAddressBytes);
        node.right = cursor.number(kAddressBytes);
        const std::size_t pair_bytes = tree_.key_bytes + kAddressBytes;
        const std::string pairs = raw_.read(raw_.base + address + kHeadBytes, count * pair_bytes);
        if (cursor.has_failed() || pairs.size() != count * pair_bytes) {
            refuse();
        }
        Cursor pair(pairs);
        for (std::uint64_t i = 0; i < count; ++i) {
            pair.take(tree_.key_bytes);
            node.children.push_back(pair.number(kAddressBytes));
        }
        return node;
    }

    /// Which node of a level lies where; every one must be another.
    [[nodiscard]] Places places_of(const std::vector<std::uint64_t>& addresses) const {
        Places places;
        for (const std::uint64_t address : addresses) {
            if (!places.emplace(address, places.size()).second) {
                refuse();
            }
        }
        return places;
    }

    /// Whether `right`, the neighbour of node `i`, is a later node of the level, or none.
    static bool is_behind(std::uint64_t right, std::size_t i, const Places& places) {
        const auto place = places.find(right);
        return right == kNowhere || (place != places.end() && place->second > i);
    }

    const RawBytes& raw_;
    const Tree& tree_;
    const std::string& where_;
    std::uint64_t entry_count_ = 0;
};

}  // namespace

void refuse_tree_loops(const RawBytes& raw, const Header& header, const std::string& where) {
    for (const Message& message : header.messages) {
        const std::optional<Tree> tree = tree_of(message);
        if (tree && tree->address != kNowhere) {
            TreeWalk(raw, *tree, where).run();
        }
    }
}

}  // namespace lipcert::hdf5
