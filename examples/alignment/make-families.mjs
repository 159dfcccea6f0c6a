// node make-families.mjs [DIR]: writes made-up families of proteins, one FASTA file each, the same ones every time.
// Each family descends from one ancestor: its members have lost or gained some residues, and of the others so many per
// cent were drawn anew, as the name of the file says.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const families = [10, 20, 30, 40, 50, 60, 70, 80];
const members = 10;
const length = 120;
const residues = 'ACDEFGHIKLMNPQRSTVWY';

/** A family in FASTA, of which so many per cent of the residues were drawn anew. */
function family(changed) {
  const random = numbers(changed);
  const any = () => residues[Math.floor(random() * residues.length)];
  const ancestor = Array.from({ length }, any);
  const member = () => {
    const drawn = ancestor.map((residue) => (random() < changed / 100 ? any() : residue));
    drawn.splice(at(drawn), 1 + Math.floor(random() * 4));
    drawn.splice(at(drawn), 0, ...Array.from({ length: 1 + Math.floor(random() * 4) }, any));
    return drawn.join('');
  };
  const at = (sequence) => Math.floor(random() * sequence.length);
  const texts = Array.from({ length: members }, (_, index) => `>member-${index + 1}\n${lines(member())}`);
  return texts.join('');
}

const lines = (sequence) => sequence.replaceAll(/.{1,60}/g, '$&\n');

/** From 0 to below 1, by xorshift32 (Marsaglia, 2003). */
function numbers(seed) {
  let state = seed * 2654435761;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const [, , folder = 'families'] = process.argv;
mkdirSync(folder, { recursive: true });
for (const changed of families) writeFileSync(join(folder, `${changed}-percent.fasta`), family(changed));
