// What the area does with a request: its body is the answer.

exports.default = () => ({ echo: (body) => Promise.resolve(body) });
