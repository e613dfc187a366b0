"""Times numpy.linalg.norm(W, 2) and scipy's svds(k=1) on a raw float64 matrix.

usage: numpy_norm.py FILE ROWS COLS; prints two numbers of seconds, nan where scipy is missing.
"""
import sys
import time

import numpy

matrix = numpy.fromfile(sys.argv[1]).reshape(int(sys.argv[2]), int(sys.argv[3]))
begin = time.perf_counter()
numpy.linalg.norm(matrix, 2)
seconds = time.perf_counter() - begin
try:
    from scipy.sparse.linalg import svds
except ImportError:
    other = float("nan")
else:
    begin = time.perf_counter()
    svds(matrix, k=1, return_singular_vectors=False)
    other = time.perf_counter() - begin
sys.stdout.write(f"{seconds} {other}\n")  # at once: the reader goes when it has both
