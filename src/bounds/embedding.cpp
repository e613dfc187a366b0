#include "lipcert/bounds/embedding.hpp"

#include "lipcert/bounds/affine.hpp"
#include "lipcert/error.hpp"
#include "lipcert/norms/matrix_ball.hpp"

namespace lipcert {

EmbeddingBounds embedding_bounds(const Embedding& embedding, const Checkpoint& checkpoint) {
    const std::string where = "embedding";
    EmbeddingBounds bounds;
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

}  // namespace lipcert
