"""The eigenvalues of a random symmetric matrix."""
import json
import os

import numpy

# What each instance does is done once before, so that the libraries behind it are loaded, too.
numpy.linalg.eigvalsh(numpy.eye(8))

os.write(3, b"ready\n")
os.close(3)
# Its end comes when an instance begins: a clone of the machine that waits here, or in a cold start at once.
with open("/run/gvad/awake") as awake:
    awake.read()

with open("/cdrom/params.json") as file:
    parameters = json.load(file)
# The seed is a parameter: a generator that was seeded before would be the same in all instances.
generator = numpy.random.default_rng(parameters["seed"])
matrix = generator.standard_normal((parameters["n"], parameters["n"]))
values = numpy.linalg.eigvalsh(matrix + matrix.T)

# Opened now: what was open before waking is in memory, not on the output disk.
with open("/output/result.txt", "w") as file:
    file.write(f"largest={values[-1]:.12f}\n")
numpy.savetxt("/output/eigenvalues.txt", values)
print(f"{len(values)} eigenvalues")
