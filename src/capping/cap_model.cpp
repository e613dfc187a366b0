#include "lipcert/capping/cap_model.hpp"

#include "lipcert/error.hpp"
#include "lipcert/norms/matrix_ball.hpp"
#include "lipcert/norms/spectral_norm.hpp"

#include <utility>

namespace lipcert {

namespace {

CapResult cap_part(const Matrix& part, const CapItem& item, const CapRequest& request) {
    if (!item.by_rows) {
        return cap_matrix(part, spectral_norm(part), request);
    }
    if (item.use.layout == Layout::out_in) {
        return cap_rows(part, spectral_norm(part), request);
    }
    // One output per column: the same on the transpose.
    const Matrix outputs = part.transpose();
    CapResult result = cap_rows(outputs, spectral_norm(outputs), request);
    if (result.values) {
        result.values = StoredValues::rounded(request.type, result.values->values().transpose());
    }
    return result;
}

/// The same; errors say where.
CapResult cap_named(const Matrix& part,
                    const CapItem& item,
                    const CapRequest& request,
                    const std::string& path) {
    const std::string place = path + ": " + name_of(item);
    try {
        return cap_part(part, item, request);
    } catch (const UnreachableLimit& error) {
        throw UnreachableLimit(place, error.what());
    } catch (const Error& error) {
        throw Error(error.kind(), place, error.what());
    }
}

}  // namespace

Matrix part_of(const Matrix& tensor, const CapItem& item) {
    if (!item.use.slice) {
        return tensor;
    }
    const std::vector<std::ptrdiff_t> outputs = outputs_of(*item.use.slice);
    return item.use.layout == Layout::out_in ? Matrix(tensor(outputs, Eigen::all))
                                             : Matrix(tensor(Eigen::all, outputs));
}

void set_part(Matrix& tensor, const CapItem& item, const Matrix& values) {
    if (!item.use.slice) {
        tensor = values;
        return;
    }
    const std::vector<std::ptrdiff_t> outputs = outputs_of(*item.use.slice);
    if (item.use.layout == Layout::out_in) {
        tensor(outputs, Eigen::all) = values;
    } else {
        tensor(Eigen::all, outputs) = values;
    }
}

Upper limited_norm(const Matrix& part, const CapItem& item) {
    if (!item.by_rows) {
        return spectral_norm(part).spectral.upper();
    }
    const MatrixBall ball = MatrixBall::of(part);
    return largest_row_norm(item.use.layout == Layout::out_in ? ball : ball.transposed());
}

std::vector<CapRow> cap_model(OverlayCheckpoint& overlay,
                              const std::vector<CapItem>& items,
                              const CapSettings& settings,
                              const Progress& progress) {
    std::vector<CapRow> rows;
    rows.reserve(items.size());
    for (const CapItem& item : items) {
        if (progress) {
            progress("capping " + name_of(item), rows.size(), items.size());
        }
        const TensorInfo* tensor = overlay.find(item.use.tensor);
        if (tensor == nullptr) {
            throw Error(ErrorKind::internal, item.use.tensor, "an item names no tensor");
        }
        // Earlier items of a fused tensor are in the overlay already.
        Matrix stored = overlay.read(*tensor);
        const CapRequest request = {
            settings.method, item.limit, settings.decay, settings.until_limit, tensor->type};
        CapRow row = {item, std::string(name_of(tensor->type)), false, {}};
        const Matrix before = part_of(stored, item);
        row.result = cap_named(before, item, request, overlay.path());
        const Matrix after = row.result.values ? row.result.values->values() : before;
        row.result.values.reset();
        row.changed = after != before;
        if (row.changed) {
            set_part(stored, item, after);
            overlay.replace(tensor->name, StoredValues::rounded(tensor->type, stored));
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

}  // namespace lipcert
