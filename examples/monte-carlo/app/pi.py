"""Estimates pi: the share of random points of a square that lie in the circle."""

import sys

import numpy

seed, samples = int(sys.argv[1]), int(sys.argv[2])
random = numpy.random.default_rng(seed)
inside = 0
for first in range(0, samples, 100_000):
    points = random.random((min(100_000, samples - first), 2))
    inside += int(((points**2).sum(axis=1) <= 1).sum())
estimate = 4 * inside / samples
with open("result.txt", "w") as file:
    file.write(f"pi={estimate:.6f}\nerror={abs(estimate - numpy.pi):.3e}\n")
print(f"pi is about {estimate:.6f} (seed {seed}, {samples} points)")
