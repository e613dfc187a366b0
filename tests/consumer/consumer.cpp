#include "lipcert/norms/spectral_norm.hpp"

#include <cstdio>

// The norm of [[3, 0], [4, 0]] is 5; the enclosure must hold it.
int main() {
    lipcert::Matrix matrix(2, 2);
    matrix << 3.0, 0.0, 4.0, 0.0;
    const lipcert::Enclosure norm = lipcert::spectral_norm(matrix).spectral;
    const bool holds = norm.lower().to_double() <= 5.0 && norm.upper().to_double() >= 5.0;
    std::printf(
        "%s .. %s\n", norm.lower().to_decimal(6).c_str(), norm.upper().to_decimal(6).c_str());
    return holds ? 0 : 1;
}
