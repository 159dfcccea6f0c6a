import type { PackageProblem } from '../../model/envelope.js';
import type { XmlElement } from './xml.js';

/** Problems of each severity that are told one by one. */
const MAX_TOLD = 200;

/** What is wrong with a descriptor, with the place of each. A hostile one cannot make the list grow without bound. */
export class Problems {
  readonly #name: string;
  readonly #told: { readonly line: number; readonly problem: PackageProblem }[] = [];
  readonly #count = { error: 0, warning: 0 };

  /** @param name of the descriptor */
  constructor(name: string) {
    this.#name = name;
  }

  error(element: XmlElement, message: string): void {
    this.#add('error', element, message);
  }

  warning(element: XmlElement, message: string): void {
    this.#add('warning', element, message);
  }

  /** An error where the element must be understood, else a warning. */
  fault(element: XmlElement, required: boolean, message: string): void {
    this.#add(required ? 'error' : 'warning', element, message);
  }

  /** A warning that the parser gave. */
  complaint(line: number, message: string): void {
    this.#keep('warning', `${this.#name}:${line}`, line, message);
  }

  /** In the order of the document. */
  list(): PackageProblem[] {
    const told = this.#told.toSorted((a, b) => a.line - b.line).map(({ problem }) => problem);
    for (const severity of ['error', 'warning'] as const) {
      const more = this.#count[severity] - MAX_TOLD;
      if (more > 0) told.push({ severity, place: this.#name, message: `and ${more} more of these` });
    }
    return told;
  }

  #add(severity: PackageProblem['severity'], element: XmlElement, message: string): void {
    const { line } = element;
    const place = line === undefined ? `${this.#name}: ${pathOf(element)}` : `${this.#name}:${line}`;
    this.#keep(severity, place, line ?? Number.MAX_SAFE_INTEGER, message);
  }

  #keep(severity: PackageProblem['severity'], place: string, line: number, message: string): void {
    this.#count[severity] += 1;
    if (this.#count[severity] <= MAX_TOLD) this.#told.push({ line, problem: { severity, place, message } });
  }
}

/** `Envelope/DiskSection/Disk[2]`. */
function pathOf(element: XmlElement): string {
  if (element.parent === undefined) return element.name;
  const same = element.parent.children.filter(({ name }) => name === element.name);
  const index = same.length > 1 ? `[${same.indexOf(element) + 1}]` : '';
  return `${pathOf(element.parent)}/${element.name}${index}`;
}
