#include "lipcert/bounds/embedding.hpp"

#include "lipcert/bounds/affine.hpp"
#include "lipcert/error.hpp"
#include "lipcert/norms/matrix_ball.hpp"

namespace lipcert {

EmbeddingBounds embedding_bounds(const Embedding& embedding, const Checkpoint& checkpoint) {
    const std::string where = "embedding";
    EmbeddingBounds bounds;
    if (embedding.vectors) {
        // [R41] no table: vectors of which no entry is larger than stated.
        bounds.dimension = embedding.vectors->width;
        bounds.radius =
            embedding.vectors->largest_entry.magnitude() * sqrt(Upper::of_count(bounds.dimension));
        bounds.largest_row = bounds.radius;
        return bounds;
    }
    {
        Matrix table = read_matrix(checkpoint, embedding.weight, where);
        bounds.dimension = static_cast<std::size_t>(table.cols());
        bounds.largest_row = largest_row_norm(MatrixBall::of(std::move(table)));
    }
    if (embedding.max_row_norm) {
        // A longer row e is read as (limit/|e|) e.
        bounds.largest_row = min(bounds.largest_row, embedding.max_row_norm->magnitude());
    }
    bounds.largest_row *= embedding.scale.magnitude();
    bounds.radius = bounds.largest_row;
    if (!embedding.positions.empty()) {
        const Matrix positions = read_matrix(checkpoint, embedding.positions, where);
        if (static_cast<std::size_t>(positions.cols()) != bounds.dimension) {
            throw Error(ErrorKind::architecture,
                        where,
                        "'" + embedding.positions + "' has rows of " +
                            std::to_string(positions.cols()) + " numbers, but token embeddings " +
                            std::to_string(bounds.dimension));
        }
        bounds.radius += largest_row_norm(MatrixBall::of(positions));
    }
    if (!embedding.types.empty()) {
        const Matrix types = read_matrix(checkpoint, embedding.types, where);
        if (static_cast<std::size_t>(types.cols()) != bounds.dimension) {
            throw Error(ErrorKind::architecture,
                        where,
                        "'" + embedding.types + "' has rows of " + std::to_string(types.cols()) +
                            " numbers, but token embeddings " + std::to_string(bounds.dimension));
        }
        bounds.radius += largest_row_norm(MatrixBall::of(types));
    }
    return bounds;
}

std::size_t tokens_beside(const Embedding& embedding, const Checkpoint& checkpoint) {
    const TensorInfo* beside =
        embedding.vectors ? checkpoint.find(embedding.vectors->beside) : nullptr;
    return beside == nullptr ? 0 : row_count(*beside);
}

ConstantTokens constant_tokens(const VectorInput& vectors,
                               const Checkpoint& checkpoint,
                               std::size_t width) {
    const auto rows = [&](const std::string& name) {
        const Matrix stored = read_matrix(checkpoint, name, "input");
        const auto columns = static_cast<Eigen::Index>(width);
        const TensorInfo& tensor = *checkpoint.find(name);
        if (stored.size() == 0 || row_count(tensor) * width != element_count(tensor)) {
            throw Error(ErrorKind::architecture,
                        "input",
                        "'" + name + "' has the shape " + shape_text(tensor) +
                            ", expected rows of " + std::to_string(width));
        }
        return Matrix(stored.reshaped<Eigen::RowMajor>(stored.size() / columns, columns));
    };
    ConstantTokens constants;
    if (!vectors.added.empty()) {
        constants.largest_added = largest_row_norm(MatrixBall::of(rows(vectors.added)));
    }
    if (!vectors.beside.empty()) {
        constants.largest_beside = largest_row_norm(MatrixBall::of(rows(vectors.beside)));
    }
    return constants;
}

}  // namespace lipcert
