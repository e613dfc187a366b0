#include "lipcert/capping/cap_items.hpp"

#include "lipcert/error.hpp"
#include "lipcert/rounding/bound.hpp"
#include "lipcert/rounding/limit.hpp"

#include <algorithm>
#include <cstddef>
#include <fnmatch.h>
#include <iterator>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace lipcert {

namespace {

bool is_glob_match(const std::string& glob, const std::string& text) {
    return fnmatch(glob.c_str(), text.c_str(), 0) == 0;
}

/// The whole name, or what stands behind any of its dots but the last: "weight" is every matrix.
bool selects_name(const std::string& glob, const std::string& name) {
    if (is_glob_match(glob, name)) {
        return true;
    }
    for (std::size_t dot = name.find('.'); dot != std::string::npos && dot != name.rfind('.');
         dot = name.find('.', dot + 1)) {
        if (is_glob_match(glob, name.substr(dot + 1))) {
            return true;
        }
    }
    return false;
}

/// The name, the role, or both as "name:role".
bool selects(const std::string& selector, const WeightUse& use) {
    const std::size_t colon = selector.rfind(':');
    return selects_name(selector, use.tensor) || is_glob_match(selector, use.role) ||
           (colon != std::string::npos && selects_name(selector.substr(0, colon), use.tensor) &&
            is_glob_match(selector.substr(colon + 1), use.role));
}

bool selects_any(const std::vector<std::string>& selectors, const WeightUse& use) {
    return std::any_of(selectors.begin(), selectors.end(), [&use](const std::string& selector) {
        return selects(selector, use);
    });
}

/// A limit as a rule states it; by rows or on the spectral norm.
struct Stated {
    Lower value;
    bool by_rows = false;
};

/// What the rules say about one reading.
std::optional<Stated> stated_limit(const WeightUse& use, const LimitRules& rules) {
    if (use.kind == WeightKind::vector || selects_any(rules.excluded, use)) {
        return std::nullopt;
    }
    const bool has_token_rows =
        use.kind == WeightKind::table || use.kind == WeightKind::unembedding;
    std::optional<Stated> stated;
    if (rules.embedding_limit && has_token_rows) {
        stated = {parse_limit("--embedding-limit", *rules.embedding_limit), true};
    }
    for (const LimitRule& rule : rules.limits) {
        if (rule.selector.empty() ? !has_token_rows : selects(rule.selector, use)) {
            stated = {parse_limit("--limit", rule.text), false};
        }
    }
    return stated;
}

/// Shape of the part that `use` reads.
void set_shape(CapItem& item, const TensorInfo& tensor) {
    item.rows = tensor.shape[0];
    item.cols = element_count(tensor) / std::max<std::size_t>(item.rows, 1);
    if (item.use.slice) {
        (item.use.layout == Layout::out_in ? item.rows : item.cols) = item.use.slice->count;
    }
}

/// L2 for one of the norm in which limits are stated, rounded down.
Lower unit_of(const CapItem& item, LimitNorm norm) {
    if (norm == LimitNorm::l2) {
        return Lower::exact(1.0);
    }
    const bool out_in = item.use.layout == Layout::out_in;
    const std::size_t inputs = out_in ? item.cols : item.rows;
    const std::size_t outputs = out_in ? item.rows : item.cols;
    if (item.by_rows) {
        return sqrt(Lower::of_count(inputs));
    }
    if (item.use.kind == WeightKind::table) {
        throw Error(ErrorKind::usage,
                    "--norm rms",
                    "'" + item.use.tensor +
                        "' is looked up, and no map from RMS to RMS: limit its rows with "
                        "--embedding-limit, or its spectral norm with --norm l2");
    }
    return sqrt(Lower::of_count(outputs) / Upper::of_count(inputs));
}

/// The stated limit as one on the Euclidean norm of a row or on sigma_1, rounded down.
void set_limit(CapItem& item, const Lower& stated, LimitNorm norm) {
    const Lower unit = unit_of(item, norm);
    item.unit = unit.to_double();
    item.limit = (stated * unit).to_double();
    if (item.limit <= 0.0) {
        throw Error(ErrorKind::usage, "--limit", "is below the smallest positive double");
    }
}

/// The outputs that an item has.
OutputSlice slice_of(const CapItem& item) {
    return item.use.slice.value_or(
        OutputSlice{0, item.use.layout == Layout::out_in ? item.rows : item.cols});
}

bool is_same_part(const CapItem& a, const CapItem& b) {
    return slice_of(a) == slice_of(b) && a.use.layout == b.use.layout;
}

bool overlap(const CapItem& a, const CapItem& b) {
    if (a.use.tensor != b.use.tensor) {
        return false;
    }
    std::vector<std::ptrdiff_t> x = outputs_of(slice_of(a));
    std::vector<std::ptrdiff_t> y = outputs_of(slice_of(b));
    std::sort(x.begin(), x.end());
    std::sort(y.begin(), y.end());
    std::vector<std::ptrdiff_t> common;
    std::set_intersection(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(common));
    return a.use.layout != b.use.layout || !common.empty();
}

/// Gives both the same limit, of the same kind, where that is what the rules say: none gives way,
/// the smaller of two counts.
bool agree(CapItem& a, CapItem& b) {
    const auto take = [](CapItem& to, const CapItem& from) {
        to.by_rows = from.by_rows;
        to.limit = from.limit;
        to.unit = from.unit;
    };
    if (a.is_unlimited() || (!b.is_unlimited() && a.by_rows == b.by_rows && b.limit < a.limit)) {
        take(a, b);
    } else if (b.is_unlimited() || a.by_rows == b.by_rows) {
        take(b, a);
    }
    return a.by_rows == b.by_rows;
}

/// The same numbers can have one limit.
void insert(std::vector<CapItem>& items, CapItem item) {
    for (CapItem& other : items) {
        if (!overlap(other, item)) {
            continue;
        }
        if (is_same_part(other, item) && agree(other, item)) {
            return;
        }
        throw Error(ErrorKind::usage,
                    "--limit, --embedding-limit",
                    fmt::format("{} is read as {} and as {}: limit either its rows or its spectral "
                                "norm, not both",
                                item.use.tensor,
                                other.use.role,
                                item.use.role));
    }
    items.push_back(std::move(item));
}

/// A head that is tied to the embedding can be stored again: what is done to one must be done to
/// the other. Where the rules limit them differently they are no longer copies.
void find_copies(std::vector<CapItem>& items, const Checkpoint& checkpoint) {
    const auto read = [&checkpoint](const CapItem& item) {
        return checkpoint.read(*checkpoint.find(item.use.tensor));
    };
    for (CapItem& head : items) {
        if (head.use.kind != WeightKind::unembedding || head.use.slice) {
            continue;
        }
        for (CapItem& table : items) {
            if (table.use.kind == WeightKind::table && table.use.tensor != head.use.tensor &&
                table.rows == head.rows && table.cols == head.cols &&
                table.use.layout == head.use.layout && read(table) == read(head) &&
                (table.limit == head.limit || table.is_unlimited() || head.is_unlimited()) &&
                agree(table, head)) {
                head.copy_of = table.use.tensor;
            }
        }
    }
}

void require_used(const std::string& flag,
                  const std::string& selector,
                  const std::vector<WeightUse>& uses) {
    const bool used = std::any_of(uses.begin(), uses.end(), [&selector](const WeightUse& use) {
        return use.kind != WeightKind::vector && selects(selector, use);
    });
    if (!used) {
        throw Error(ErrorKind::usage,
                    flag,
                    "'" + selector +
                        "' matches no weight matrix; names are shown by lipcert norms, roles by "
                        "lipcert certify --verbose");
    }
}

}  // namespace

std::string name_of(const CapItem& item) {
    return item.use.tensor + (item.use.slice ? " [" + item.use.role + "]" : "");
}

std::vector<CapItem> cap_items(const std::vector<WeightUse>& uses,
                               const Checkpoint& checkpoint,
                               const LimitRules& rules) {
    for (const LimitRule& rule : rules.limits) {
        (void)parse_limit("--limit", rule.text);
        if (!rule.selector.empty()) {
            require_used("--limit", rule.selector, uses);
        }
    }
    for (const std::string& selector : rules.excluded) {
        require_used("--exclude", selector, uses);
    }
    std::vector<CapItem> items;
    for (const WeightUse& use : uses) {
        const TensorInfo* tensor = checkpoint.find(use.tensor);
        const std::optional<Stated> stated = stated_limit(use, rules);
        if (tensor == nullptr || !is_float_matrix(*tensor) || !stated) {
            continue;
        }
        CapItem item;
        item.use = use;
        item.by_rows = stated->by_rows;
        set_shape(item, *tensor);
        set_limit(item, stated->value, rules.norm);
        insert(items, std::move(item));
    }
    find_copies(items, checkpoint);
    return items;
}

std::vector<WeightUse> every_matrix(const Checkpoint& checkpoint) {
    std::vector<WeightUse> uses;
    for (const TensorInfo& tensor : checkpoint.tensors()) {
        if (is_float_matrix(tensor) && tensor.shape.size() == 2) {
            uses.push_back({tensor.name, WeightKind::map, "matrix", "matrix", {}, {}, {}});
        }
    }
    return uses;
}

}  // namespace lipcert
