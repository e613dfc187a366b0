#include "checkpoint/hdf5_compare.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "checkpoint/hdf5_chunks.hpp"
#include "checkpoint/hdf5_compare_attributes.hpp"
#include "checkpoint/hdf5_dataset.hpp"
#include "checkpoint/hdf5_header.hpp"
#include "checkpoint/hdf5_limits.hpp"
#include "checkpoint/hdf5_storage.hpp"
#include "checkpoint/hdf5_walk.hpp"
#include <fmt/format.h>

namespace lipcert::hdf5 {

namespace {

constexpr std::size_t kPanelBytes = std::size_t{1} << 20U;

/// What a header says apart from where the values lie and when they were last changed, which
/// rewriting them may change.
std::vector<Message> lasting_messages(Header header) {
    std::erase_if(header.messages, [](const Message& message) {
        return message.type == kNoMessage || message.type == kLayoutMessage ||
               message.type == kOldTimeMessage || message.type == kTimeMessage ||
               message.type == kContinuationMessage;
    });
    return std::move(header.messages);
}

class Comparison {
public:
    Comparison(const Hdf5Checkpoint& source, const Hdf5Checkpoint& copy, const EditedParts& edited)
        : source_(source), copy_(copy), edited_(edited) {}

    void run() {
        require_equal_rest();
        require_equal_heaps();
        const haddr_t root = root_address(source_);
        require(root == root_address(copy_), source_.path(), "root group");
        push(root, "");
        while (!pending_.empty()) {
            const Place place = std::move(pending_.back());
            pending_.pop_back();
            compare_object(place);
        }
    }

private:
    struct Place {
        haddr_t address = HADDR_UNDEF;
        std::string name;
    };

    [[nodiscard]] static haddr_t root_address(const Hdf5Checkpoint& file) {
        const Handle root = owned(
            H5Oopen(file.file(), "/", H5P_DEFAULT), H5Oclose, file.path(), "has no root group");
        H5O_info_t info{};
        checked(H5Oget_info2(root.get(), &info, H5O_INFO_BASIC), file.path(), "has no root group");
        return info.addr;
    }

    [[nodiscard]] std::string where(const std::string& name) const {
        return source_.path() + ": " + (name.empty() ? "/" : printable_quote(name));
    }

    void require(bool is_equal, const std::string& place, const char* part) const {
        if (!is_equal) {
            throw Error(ErrorKind::input,
                        place,
                        fmt::format("the {} of the edited copy is not that of the original: "
                                    "nothing was written; please report this",
                                    part));
        }
    }

    void push(haddr_t address, std::string name) {
        if (visited_.insert(address).second) {
            pending_.push_back({address, std::move(name)});
        }
    }

    void compare_object(const Place& place) {
        const std::string at = where(place.name);
        const bool is_rewritten = edited_.datasets.contains(place.address);
        compare_header(place.address, is_rewritten, at);
        const Handle a = open(source_, place.address, at);
        const Handle b = open(copy_, place.address, at);
        require(H5Iget_type(a.get()) == H5Iget_type(b.get()), at, "kind of object");
        require(have_equal_far_attributes(a.get(), b.get(), at), at, "attributes");
        if (H5Iget_type(a.get()) == H5I_GROUP) {
            compare_links(a.get(), b.get(), place.name);
        } else if (H5Iget_type(a.get()) == H5I_DATASET) {
            const Storage storage = read_storage(a.get(), at);
            require(storage == read_storage(b.get(), at), at, "storage");
            if (!is_rewritten) {
                compare_values(a.get(), b.get(), storage, at);
            }
        }
    }

    [[nodiscard]] static Handle open(const Hdf5Checkpoint& file,
                                     haddr_t address,
                                     const std::string& at) {
        return owned(
            H5Oopen_by_addr(file.file(), address), H5Oclose, at, "an object cannot be opened");
    }

    void compare_header(haddr_t address, bool is_rewritten, const std::string& at) const {
        const Header header = read_header(source_.raw(), address);
        if (!header.is_complete) {
            throw Error(ErrorKind::input,
                        at,
                        "is described by more than lipcert compares after an edit (4 MiB): rewrite "
                        "the file with h5repack");
        }
        if (is_rewritten) {
            require(lasting_messages(header) == lasting_messages(read_header(copy_.raw(), address)),
                    at,
                    "description");
            return;
        }
        for (const Block& block : header.blocks) {
            require_equal_bytes(source_.raw().base + block.address, block.length, at);
        }
    }

    void compare_links(hid_t a, hid_t b, const std::string& group) {
        const auto links = links_of(a, kMostObjects, where(group));
        require(links == links_of(b, kMostObjects, where(group)), where(group), "list of members");
        for (const Link& link : links.value_or(std::vector<Link>())) {
            push(link.address, group.empty() ? link.name : group + "." + link.name);
        }
    }

    void compare_values(hid_t a, hid_t b, const Storage& storage, const std::string& at) const {
        const std::vector<std::size_t> shape = dataset_shape(a, at);
        const bool is_empty = std::find(shape.begin(), shape.end(), 0U) != shape.end();
        if (storage.layout == H5D_CHUNKED && !is_empty) {
            require(storage.chunk.size() == shape.size(), at, "chunk shape");
            compare_chunks(a, b, shape, storage, at);
        } else if (storage.layout == H5D_CONTIGUOUS) {
            const haddr_t offset = H5Dget_offset(a);
            const hsize_t size = H5Dget_storage_size(a);
            require(offset == H5Dget_offset(b) && size == H5Dget_storage_size(b), at, "place");
            if (offset != HADDR_UNDEF) {
                require_equal_bytes(offset, size, at);
            }
        }  // compact values are a part of the header
    }

    void compare_chunks(hid_t a,
                        hid_t b,
                        const std::vector<std::size_t>& shape,
                        const Storage& storage,
                        const std::string& at) const {
        std::uint64_t count = 0;
        for_each_chunk(shape, storage.chunk, [&](const Position& position) {
            const std::uint64_t size = stored_chunk_bytes(a, position, at);
            require(size == stored_chunk_bytes(b, position, at), at, "size of a chunk");
            if (++count > kMostChunks) {
                throw Error(ErrorKind::input,
                            at,
                            "has more chunks than lipcert compares after an edit: rewrite the "
                            "file with h5repack");
            }
            if (size > 0) {
                compare_chunk(a, b, position, size, at);
            }
        });
    }

    void compare_chunk(hid_t a,
                       hid_t b,
                       const Position& position,
                       std::uint64_t size,
                       const std::string& at) const {
        // A damaged size must not ask for more memory than the file could fill.
        require(size <= file_bytes(), at, "chunk size");
        StoredChunk of_source;
        StoredChunk of_copy;
        read_stored_chunk(a, position, size, of_source, at);
        read_stored_chunk(b, position, size, of_copy, at);
        require(of_source == of_copy, at, "stored content");
    }

    /// What nobody has written: all structures that libhdf5 does not lay open, and gaps.
    void require_equal_rest() const {
        const std::string at = source_.path() + ": (unwritten part)";
        std::uint64_t position = 0;
        for (const auto& [begin, end] : edited_.written.pieces()) {
            if (begin >= file_bytes()) {
                break;
            }
            require_equal_bytes(position, begin - position, at);
            position = end;
        }
        require_equal_bytes(position, file_bytes() - std::min(position, file_bytes()), at);
    }

    [[nodiscard]] std::uint64_t file_bytes() const {
        return source_.identity().value_or(FileIdentity{}).size;
    }

    void require_equal_bytes(std::uint64_t offset,
                             std::uint64_t size,
                             const std::string& at) const {
        for (std::uint64_t done = 0; done < size;) {
            const std::size_t wanted = std::min<std::uint64_t>(size - done, kPanelBytes);
            const std::string bytes = source_.raw().read(offset + done, wanted);
            require(bytes.size() == wanted && bytes == copy_.raw().read(offset + done, wanted),
                    at,
                    "stored content");
            done += wanted;
        }
    }

    /// Variable-length text and sequences lie in global heaps (HDF5 File Format Specification 3.0,
    /// III.E), wherever they belong to; nothing of them may change. libhdf5 does not follow a
    /// damaged reference into a heap safely, so the heaps are found by their signature.
    void require_equal_heaps() const {
        using namespace std::string_view_literals;
        constexpr std::string_view kSignature = "GCOL\x01\0\0\0"sv;
        constexpr std::size_t kHeaderBytes = 16;
        for (std::uint64_t offset = 0; offset < file_bytes(); offset += kPanelBytes) {
            const std::string panel = source_.raw().read(offset, kPanelBytes + kHeaderBytes);
            for (std::size_t found = panel.find(kSignature);
                 found < kPanelBytes && found + kHeaderBytes <= panel.size();
                 found = panel.find(kSignature, found + 1)) {
                Cursor header(std::string_view(panel).substr(found));
                header.take(kSignature.size());
                const std::uint64_t size = header.number(8);
                const std::uint64_t left = file_bytes() - offset - found;
                require_equal_bytes(
                    offset + found, std::min(size, left), source_.path() + ": (text)");
            }
        }
    }

    const Hdf5Checkpoint& source_;
    const Hdf5Checkpoint& copy_;
    const EditedParts& edited_;
    std::set<haddr_t> visited_;
    std::vector<Place> pending_;
};

}  // namespace

void require_equal_but(const Hdf5Checkpoint& source,
                       const Hdf5Checkpoint& copy,
                       const EditedParts& edited) {
    Comparison(source, copy, edited).run();
}

}  // namespace lipcert::hdf5
