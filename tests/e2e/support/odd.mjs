// A result spelt as no JSON library would spell it: the order of keys, the numbers, the escapes and the unknown members
// must reach the client as they are.
export const ODD = [
  String.raw`{"zeta":1.0,"content":[{"text":"\u0061\/\u2028","type":"text"}]`,
  String.raw`"half":1e2,"big":12345678901234567890,"a":null}`,
].join(",");
