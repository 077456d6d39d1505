// The notes below a table: each is numbered where it first occurs.

export class Notes {
  #known = [];

  /** The number of a note, which from now on it has. */
  number(note) {
    if (!this.#known.includes(note)) this.#known.push(note);
    return this.#known.indexOf(note) + 1;
  }

  /** All notes, each put into its line by `form(number, note)`. */
  lines(form) {
    return this.#known.map((note, index) => form(index + 1, note));
  }
}
