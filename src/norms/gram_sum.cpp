#include "norms/gram_sum.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "norms/large_matrix.hpp"
#include "norms/parallel.hpp"
#include "norms/triangular.hpp"

namespace lipcert {

namespace {

using Eigen::Index;

/// Panels of a group, where there are groups.
constexpr Index kGroup = 8;
/// Of more columns, a group costs memory, and float32 sees no more for it.
constexpr Index kMostColumns = 1024;

bool has_groups(Index size) {
    return size <= kMostColumns;
}

}  // namespace

GramSum::GramSum(Index size) {
    resize_uninitialised(lower_, size, size);
    poison_above(lower_);
}

void GramSum::add(const GramPanel& panel) {
    using Into = GramPanel::Into;
    const bool is_first = panels_ % kGroup == 0;
    if (panels_ < kGroup || !has_groups(lower_.rows())) {
        panel.add_gram(panels_ == 0 ? Into::overwrite : Into::add, lower_);
    } else {
        if (is_first) {
            add_group();
            resize_uninitialised(group_, lower_.rows(), lower_.cols());
        }
        panel.add_gram(is_first ? Into::overwrite : Into::add, group_);
    }
    ++panels_;
}

FloatMatrix GramSum::result() && {
    if (panels_ == 0) {
        lower_.setConstant(std::numeric_limits<float>::quiet_NaN());
    }
    add_group();
    return std::move(lower_);
}

void GramSum::add_group() {
    if (group_.size() == 0) {
        return;
    }
    for_each_row(lower_.rows(), lower_.cols(), [&](Index i) {
        lower_.row(i).head(i + 1) += group_.row(i).head(i + 1);
    });
}

std::size_t GramSum::roundings(Index inner, Index size) {
    const Index panels = (inner + GramPanel::kLength - 1) / GramPanel::kLength;
    const Index groups = (panels + kGroup - 1) / kGroup;
    const bool is_grouped = has_groups(size) && groups > 1;
    return GramPanel::roundings(inner) +
           static_cast<std::size_t>(is_grouped ? kGroup + groups : panels);
}

}  // namespace lipcert
