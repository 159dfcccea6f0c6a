#!/bin/sh
# align.sh ITERATIONS: aligns /cdrom/sequences.fasta by Clustal Omega into alignment.fasta, and says in result.txt how many
# columns the alignment has, and how many per cent of the residues that face each other are equal.
set -eu
clustalo --in=/cdrom/sequences.fasta --out=alignment.fasta --guidetree-out=tree.nwk --iterations="$1" --threads=1 --verbose >clustalo.log
awk '
	/^>/ { members++; next }
	{ rows[members] = rows[members] $0 }
	END {
		columns = length(rows[1])
		for (a = 1; a < members; a++)
			for (b = a + 1; b <= members; b++)
				for (i = 1; i <= columns; i++) {
					one = substr(rows[a], i, 1)
					other = substr(rows[b], i, 1)
					if (one == "-" || other == "-") continue
					pairs++
					equal += one == other
				}
		printf "columns=%d\nidentity=%.2f\n", columns, pairs ? 100 * equal / pairs : 0
	}
' alignment.fasta >result.txt
