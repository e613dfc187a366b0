#include "checkpoint/hdf5_walk.hpp"

#include "lipcert/error.hpp"
#include "lipcert/printable.hpp"

#include <algorithm>
#include <new>
#include <string_view>
#include <unordered_set>

#include "checkpoint/hdf5_dataset.hpp"
#include "checkpoint/hdf5_handle.hpp"
#include "checkpoint/hdf5_header.hpp"
#include "checkpoint/hdf5_limits.hpp"
#include "checkpoint/hdf5_tree.hpp"
#include <fmt/format.h>

namespace lipcert::hdf5 {

namespace {

struct LinkList {
    std::vector<Link> links;
    std::size_t most = 0;
    bool overflows = false;
};

/// Called by libhdf5, which no exception may cross.
herr_t collect_link(hid_t /*group*/,
                    const char* name,
                    const H5L_info_t* info,
                    void* data) noexcept {
    auto& list = *static_cast<LinkList*>(data);
    try {
        if (list.links.size() >= list.most) {
            list.overflows = true;
            return -1;
        }
        // One byte more than allowed is enough to refuse the name later.
        const std::string_view text(name);
        list.links.push_back({std::string(text.substr(0, kLongestName + 1)),
                              info->type,
                              info->type == H5L_TYPE_HARD ? info->u.address : HADDR_UNDEF,
                              info->corder_valid ? info->corder : -1});
        return 0;
    } catch (const std::bad_alloc&) {
        list.overflows = true;
        return -1;
    }
}

class Walk {
public:
    explicit Walk(const Object& file) : file_(file.id), path_(file.where), raw_(file.raw) {}

    std::vector<StoredTensor> run() {
        const Handle root =
            owned(H5Oopen(file_, "/", H5P_DEFAULT), H5Oclose, path_, "has no root group");
        H5O_info_t info{};
        checked(H5Oget_info2(root.get(), &info, H5O_INFO_BASIC), path_, "has no root group");
        refuse_unsafe(info.addr, path_);
        visited_.insert(info.addr);
        pending_.push_back({info.addr, "", 0});
        while (!pending_.empty()) {
            const Group group = std::move(pending_.back());
            pending_.pop_back();
            enter(group);
        }
        sort_tensors();
        return std::move(tensors_);
    }

private:
    struct Group {
        haddr_t address = HADDR_UNDEF;
        std::string name;  ///< canonical
        std::size_t depth = 0;
    };

    [[nodiscard]] std::string place(const std::string& name) const {
        return path_ + ": " + (name.empty() ? "/" : printable_quote(name));
    }

    [[noreturn]] void refuse(const std::string& name, const std::string& message) const {
        throw Error(ErrorKind::input, place(name), message);
    }

    /// What libhdf5 does not survive, before it looks at more than the kind of the object.
    void refuse_unsafe(haddr_t address, const std::string& where) const {
        const Header header = read_header(raw_, address);
        refuse_heap_messages(header, where);
        refuse_tree_loops(raw_, header, where);
    }

    void enter(const Group& group) {
        const std::string where = place(group.name);
        const Handle handle = owned(
            H5Oopen_by_addr(file_, group.address), H5Oclose, where, "a group cannot be opened");
        const std::optional<std::vector<Link>> links =
            links_of(handle.get(), kMostObjects - object_count_, where);
        if (!links) {
            refuse(group.name, fmt::format("the file holds more than {} objects", kMostObjects));
        }
        object_count_ += links->size();
        for (const Link& link : *links) {
            follow(link, group, handle.get());
        }
    }

    [[nodiscard]] std::string canonical_name(const Link& link, const Group& parent) {
        std::string name = parent.name.empty() ? link.name : parent.name + "." + link.name;
        if (name.size() > kLongestName) {
            refuse(name, fmt::format("its name is longer than {} bytes", kLongestName));
        }
        if (link.name.empty() || link.name == "." || link.name.find('/') != std::string::npos ||
            !is_printable(link.name)) {
            refuse(name,
                   "its name is empty, is '.', or has a '/', a control character or invalid "
                   "UTF-8: rename it");
        }
        name_bytes_ += name.size();
        if (name_bytes_ > kMostNameBytes) {
            refuse(name, fmt::format("all names together have over {} bytes", kMostNameBytes));
        }
        return name;
    }

    void refuse_link_elsewhere(const Link& link, const std::string& name) const {
        if (link.type == H5L_TYPE_HARD) {
            return;
        }
        const char* kind = "a user-defined link";
        if (link.type == H5L_TYPE_SOFT) {
            kind = "a soft link";
        } else if (link.type == H5L_TYPE_EXTERNAL) {
            kind = "an external link, which leads to another file";
        }
        refuse(name,
               fmt::format("is {}; only hard links are followed, so that what is certified lies in "
                           "this file: replace it by the data itself",
                           kind));
    }

    /// Programs look for tensors by name, on other ways through a group than this walk: where these
    /// are damaged, they would not find what is certified, or something else.
    void refuse_unfindable(const Link& link, const std::string& name, hid_t group) const {
        H5L_info_t found{};
        checked(H5Lget_info(group, link.name.c_str(), &found, H5P_DEFAULT),
                place(name),
                "its group lists it and does not find it by its name");
        if (found.type != link.type || found.u.address != link.address) {
            refuse(
                name,
                "its group lists one object and finds another by that name: the file is damaged, "
                "copy or download it again");
        }
    }

    void follow(const Link& link, const Group& parent, hid_t group) {
        std::string name = canonical_name(link, parent);
        refuse_link_elsewhere(link, name);
        refuse_unfindable(link, name, group);
        const std::string where = place(name);
        refuse_unsafe(link.address, where);
        // By address: a path would be resolved through whatever stands in its way.
        const Handle object = owned(
            H5Oopen_by_addr(file_, link.address), H5Oclose, where, "an object cannot be opened");
        switch (H5Iget_type(object.get())) {
            case H5I_GROUP:
                push_group(object.get(), std::move(name), parent.depth + 1);
                break;
            case H5I_DATASET:
                tensors_.push_back(
                    {describe_dataset({object.get(), where, raw_}, name), link.address});
                break;
            case H5I_DATATYPE:
                break;  // a stored type holds no numbers
            default:
                refuse(name, "is neither a group nor a dataset");
        }
    }

    void push_group(hid_t group, std::string name, std::size_t depth) {
        if (depth > kDeepestGroup) {
            refuse(name, fmt::format("groups are nested more than {} deep", kDeepestGroup));
        }
        H5O_info_t info{};
        checked(H5Oget_info2(group, &info, H5O_INFO_BASIC), place(name), "a group cannot be read");
        if (!visited_.insert(info.addr).second) {
            refuse(name,
                   "is a group that is reached by two paths or contains itself: give every group "
                   "one place");
        }
        pending_.push_back({info.addr, std::move(name), depth});
    }

    void sort_tensors() {
        std::sort(tensors_.begin(), tensors_.end(), [](const auto& a, const auto& b) {
            return a.info.name < b.info.name;
        });
        const auto twin =
            std::adjacent_find(tensors_.begin(), tensors_.end(), [](const auto& a, const auto& b) {
                return a.info.name == b.info.name;
            });
        if (twin != tensors_.end()) {
            refuse(twin->info.name,
                   "two datasets have this name once the '/' between groups is read as '.': "
                   "rename one of them");
        }
    }

    hid_t file_;
    const std::string& path_;
    const RawBytes& raw_;
    std::vector<Group> pending_;
    std::unordered_set<haddr_t> visited_;
    std::vector<StoredTensor> tensors_;
    std::size_t object_count_ = 0;
    std::size_t name_bytes_ = 0;
};

}  // namespace

std::optional<std::vector<Link>> links_of(hid_t group, std::size_t most, const std::string& where) {
    LinkList list;
    list.most = most;
    hsize_t position = 0;
    const herr_t status =
        H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, &position, collect_link, &list);
    if (list.overflows) {
        return std::nullopt;
    }
    checked(status, where, "the contents of a group cannot be read");
    return std::move(list.links);
}

std::vector<StoredTensor> list_tensors(const Object& file) {
    return Walk(file).run();
}

}  // namespace lipcert::hdf5
