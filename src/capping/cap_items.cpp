#include "lipcert/capping/cap_items.hpp"

#include "lipcert/error.hpp"
#include "lipcert/rounding/bound.hpp"
#include "lipcert/rounding/limit.hpp"

#include <algorithm>
#include <fnmatch.h>

namespace lipcert {

namespace {

bool is_glob_match(const std::string& glob, const std::string& text) {
    return fnmatch(glob.c_str(), text.c_str(), 0) == 0;
}

/// The whole name, what stands behind any of its dots, or the role.
bool selects(const std::string& selector, const WeightUse& use) {
    if (is_glob_match(selector, use.tensor) || is_glob_match(selector, use.role)) {
        return true;
    }
    for (std::size_t dot = use.tensor.find('.'); dot != std::string::npos;
         dot = use.tensor.find('.', dot + 1)) {
        if (is_glob_match(selector, use.tensor.substr(dot + 1))) {
            return true;
        }
    }
    return false;
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

/// The stated limit as one on the Euclidean norm of a row or on sigma_1, rounded down.
double l2_limit(const CapItem& item, const Lower& stated, LimitNorm norm) {
    Lower limit = stated;
    if (norm == LimitNorm::rms) {
        const bool out_in = item.use.layout == Layout::out_in;
        const std::size_t inputs = out_in ? item.cols : item.rows;
        const std::size_t outputs = out_in ? item.rows : item.cols;
        limit = limit * (item.by_rows ? sqrt(Lower::of_count(inputs))
                                      : sqrt(Lower::of_count(outputs) / Upper::of_count(inputs)));
    }
    const double rounded = limit.to_double();
    if (rounded <= 0.0) {
        throw Error(ErrorKind::usage, "--limit", "is below the smallest positive double");
    }
    return rounded;
}

bool is_same_part(const WeightUse& a, const WeightUse& b) {
    return a.tensor == b.tensor && a.slice == b.slice;
}

void insert(std::vector<CapItem>& items, CapItem item) {
    const auto known = std::find_if(items.begin(), items.end(), [&item](const CapItem& other) {
        return is_same_part(other.use, item.use) && other.by_rows == item.by_rows;
    });
    if (known == items.end()) {
        items.push_back(std::move(item));
    } else {
        known->limit = std::min(known->limit, item.limit);
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
        item.limit = l2_limit(item, stated->value, rules.norm);
        insert(items, std::move(item));
    }
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
