// What the graph element draws, as plain data: items in containers, and who feeds whom.
// Two worlds of one shape: the ops in their scopes, and the layers in their repeated blocks.
(() => {
  "use strict";

  const FORWARD = 1, INPUT = 2, OUTPUT = 4, VARIABLE = 8, CONSTANT = 16;

  // A world numbers containers 0…C-1 (0 is the root) and leaves C…C+N-1.
  class World {
    constructor(containers, leaves) {
      this.containers = containers;
      this.leaves = leaves;
      const total = containers + leaves;
      this.parent = new Int32Array(total).fill(-1);
      this.depth = new Uint16Array(total);
      this.weight = new Int32Array(total); // visible leaves below
      this.shown = new Uint8Array(leaves).fill(1);
    }

    isContainer(id) { return id < this.containers; }

    // Visible children of a container; what is alone in its scope stands for the scope.
    kids(id) {
      return (this.childrenOf.get(id) || []).filter((kid) => this.weight[kid] > 0).map((kid) => this.through(kid));
    }

    through(id) {
      while (this.isContainer(id) && !this.isGroup(id)) {
        const kids = (this.childrenOf.get(id) || []).filter((kid) => this.weight[kid] > 0);
        if (kids.length !== 1 || this.isGroup(kids[0])) break;
        id = kids[0];
      }
      return id;
    }

    isGroup() { return false; }

    // To be called when parents are set or what is visible has changed.
    settle() {
      const { parent, weight, depth } = this;
      this.childrenOf = new Map();
      for (let id = 1; id < parent.length; id += 1) {
        const list = this.childrenOf.get(parent[id]);
        if (list) list.push(id); else this.childrenOf.set(parent[id], [id]);
      }
      weight.fill(0);
      const order = [0];
      for (let at = 0; at < order.length; at += 1) {
        for (const kid of this.childrenOf.get(order[at]) || []) {
          depth[kid] = depth[order[at]] + 1;
          if (this.isContainer(kid)) order.push(kid);
        }
      }
      for (let i = 0; i < this.leaves; i += 1) if (this.shown[i]) weight[this.containers + i] = 1;
      for (let at = order.length - 1; at >= 0; at -= 1) {
        for (const kid of this.childrenOf.get(order[at]) || []) weight[order[at]] += weight[kid];
      }
      this.bucket();
    }

    // Every edge belongs to the innermost container that holds both ends.
    bucket() {
      this.edgesOf = new Map();
      for (let to = 0; to < this.leaves; to += 1) {
        if (!this.shown[to]) continue;
        for (let e = this.start[to]; e < this.start[to + 1]; e += 1) {
          if (this.outputs && this.outputs.get(e) < 0) continue; // waits for it, reads nothing
          for (const from of this.visibleSources(this.source[e])) this.addEdge(from + this.containers, to + this.containers);
        }
      }
    }

    // Through leaves that are not shown the edge goes on to what they read: nothing is torn apart.
    visibleSources(from) { return this.shown[from] ? [from] : []; }

    addEdge(a, b) {
      const { parent, depth } = this;
      let x = a, y = b;
      while (depth[x] > depth[y]) x = parent[x];
      while (depth[y] > depth[x]) y = parent[y];
      if (x === y) return;
      while (parent[x] !== parent[y]) { x = parent[x]; y = parent[y]; }
      const home = parent[x];
      let map = this.edgesOf.get(home);
      if (!map) this.edgesOf.set(home, (map = new Map()));
      const key = x * this.parent.length + y;
      map.set(key, (map.get(key) || 0) + 1);
    }

    // [from, to, how many] between the kids of a container.
    edges(id) {
      const found = [];
      for (const [key, count] of this.edgesOf.get(id) || []) {
        found.push([this.through(Math.floor(key / this.parent.length)), this.through(key % this.parent.length), count]);
      }
      return found;
    }

    readers() {
      if (this.readerStart) return;
      const counts = new Int32Array(this.leaves + 1);
      for (const from of this.source) counts[from + 1] += 1;
      for (let i = 0; i < this.leaves; i += 1) counts[i + 1] += counts[i];
      this.readerStart = counts.slice();
      this.reader = new Int32Array(this.source.length);
      for (let to = 0; to < this.leaves; to += 1) {
        for (let e = this.start[to]; e < this.start[to + 1]; e += 1) this.reader[counts[this.source[e]]++] = to;
      }
    }

    sourcesOf(i) { return [...this.source.subarray(this.start[i], this.start[i + 1])]; }
    readersOf(i) { this.readers(); return [...this.reader.subarray(this.readerStart[i], this.readerStart[i + 1])]; }

    // All leaves that lead to (back) or follow from the given ones.
    trace(leaves, back) {
      const seen = new Uint8Array(this.leaves);
      const todo = [...leaves];
      for (const i of todo) seen[i] = 1;
      while (todo.length) {
        const i = todo.pop();
        for (const k of back ? this.sourcesOf(i) : this.readersOf(i)) if (!seen[k]) { seen[k] = 1; todo.push(k); }
      }
      return seen;
    }

    leavesUnder(id) {
      if (!this.isContainer(id)) return [id - this.containers];
      const found = [];
      const todo = [id];
      while (todo.length) {
        for (const kid of this.childrenOf.get(todo.pop()) || []) this.isContainer(kid) ? todo.push(kid) : found.push(kid - this.containers);
      }
      return found;
    }
  }

  function edgesFrom(world, counts, differences) {
    world.start = new Int32Array(counts.length + 1);
    world.source = new Int32Array(differences.length);
    let e = 0;
    counts.forEach((count, to) => {
      for (let k = 0; k < count; k += 1, e += 1) world.source[e] = to - differences[e];
      world.start[to + 1] = e;
    });
  }

  // ---- ops ----

  const FAMILY = [
    [/^(Depthwise)?Conv|^_?FusedConv|^QuantizedConv|Deconv/i, "conv"], [/MatMul|Einsum/, "dense"], [/Pool/, "pool"],
    [/Norm|^LRN$|Moments/i, "norm"], [/^(Relu|Elu|Selu|Sigmoid|Tanh|Soft|LeakyRelu|LogSoftmax)/, "act"],
    [/^(Add|AddV2|AddN|Concat|ConcatV2|Merge)$/, "join"], [/^(Placeholder|IteratorGetNext|QueueDequeue)/, "input"],
    [/^(While|StatelessWhile|Enter|Exit|LoopCond|NextIteration|TensorArray|.*RNN|.*LSTM)/, "recurrent"],
    [/^(Reshape|Squeeze|Transpose|ExpandDims|Shape|StridedSlice|Pack|Cast|Pad)/, "shape"],
  ];

  class OpsWorld extends World {
    constructor(data) {
      const scopes = data.scopes.parent.length;
      const groups = repeated(data);
      super(scopes + groups.length, data.nodes);
      this.data = data;
      this.scopes = scopes;
      this.groups = groups;
      const { parent } = this;
      for (let s = 1; s < scopes; s += 1) parent[s] = data.scopes.parent[s];
      // An op called as a scope is drawn inside it.
      const K = data.strings.length;
      const byName = new Map();
      for (let s = 1; s < scopes; s += 1) byName.set(data.scopes.parent[s] * K + data.scopes.label[s], s);
      this.inside = new Uint8Array(data.nodes);
      for (let i = 0; i < data.nodes; i += 1) {
        const own = byName.get(data.scope[i] * K + data.leaf[i]);
        if (own !== undefined) this.inside[i] = 1;
        parent[this.containers + i] = own === undefined ? data.scope[i] : own;
      }
      groups.forEach((group, g) => {
        parent[scopes + g] = parent[group[0]];
        for (const member of group) parent[member] = scopes + g;
      });
      edgesFrom(this, data.sources, data.source);
      this.outputs = new Map();
      for (let k = 0; k < data.output.length; k += 2) this.outputs.set(data.output[k], data.output[k + 1]);
      this.training = data.flags.filter((flag) => !(flag & FORWARD)).length;
      this.show({ training: this.training === data.nodes, constants: false });
    }

    show({ training, constants }) {
      const { data } = this;
      this.readers();
      for (let i = 0; i < data.nodes; i += 1) {
        const flag = data.flags[i];
        const lonely = (flag & CONSTANT) && this.readerStart[i + 1] - this.readerStart[i] <= 1 && !(flag & OUTPUT);
        this.shown[i] = (training || flag & FORWARD) && (constants || !lonely) ? 1 : 0;
      }
      this.settle();
    }

    isGroup(id) { return id >= this.scopes && id < this.containers; }
    string(k) { return this.data.strings[k]; }

    scopePath(id) {
      const parts = [];
      for (; id > 0; id = this.data.scopes.parent[id]) parts.push(this.string(this.data.scopes.label[id]));
      return parts.reverse().join("/");
    }

    name(id) {
      if (this.isGroup(id)) { const group = this.groups[id - this.scopes]; return `${this.scopePath(group[0])} … ${this.label(group[group.length - 1])}`; }
      if (this.isContainer(id)) return this.scopePath(id);
      const i = id - this.containers;
      const path = this.data.scope[i] ? `${this.scopePath(this.data.scope[i])}/` : "";
      return path + this.string(this.data.leaf[i]);
    }

    label(id) {
      if (this.isGroup(id)) { const group = this.groups[id - this.scopes]; return `${this.label(group[0])} … ${this.label(group[group.length - 1])}`; }
      // Scopes that were passed through on the way are part of the label.
      const own = this.isContainer(id) ? null : id - this.containers;
      const alone = own !== null && this.parent[id] > 0 && !this.isGroup(this.parent[id]) && this.through(this.parent[id]) === id;
      if (own !== null && this.inside[own] && !alone) return `(${this.string(this.data.leaf[own])})`;
      let text = this.string(own === null ? this.data.scopes.label[id] : this.data.leaf[own]);
      for (let up = own !== null && this.inside[own] ? this.parent[this.parent[id]] : this.parent[id]; up > 0 && this.through(up) === id; up = this.parent[up]) {
        if (this.isGroup(up)) break;
        text = `${this.string(this.data.scopes.label[up])}/${text}`;
      }
      return text;
    }

    lines(id) {
      if (this.isGroup(id)) return [this.label(id), `× ${this.groups[id - this.scopes].length}`];
      if (this.isContainer(id)) return [this.label(id), `${this.weight[id].toLocaleString("en")} op${this.weight[id] === 1 ? "" : "s"}`];
      const i = id - this.containers;
      const op = this.data.ops[this.data.op[i]];
      const label = this.label(id);
      return label === op ? [label] : [label, op];
    }

    kind(id) {
      if (this.isContainer(id)) return "scope";
      const i = id - this.containers;
      const flag = this.data.flags[i];
      if (flag & INPUT) return "input";
      if (flag & (VARIABLE | CONSTANT)) return "value";
      const op = this.data.ops[this.data.op[i]];
      const found = FAMILY.find(([pattern]) => pattern.test(op));
      return found ? found[1] : "other";
    }

    shape(id) { return this.isContainer(id) ? "" : this.data.shapes[this.data.shape[id - this.containers]]; }
    ends(flag) { return this.data.flags.flatMap((flags, i) => (flags & flag ? [i] : [])); }
    inputs() { return this.ends(INPUT); }
    results() { return this.ends(OUTPUT); }

    // Lower-case names of all ops, for the search.
    haystack() {
      if (!this.hay) {
        const paths = [""];
        for (let s = 1; s < this.scopes; s += 1) {
          const up = this.data.scopes.parent[s];
          paths.push((up ? `${paths[up]}/` : "") + this.string(this.data.scopes.label[s]));
        }
        this.paths = paths;
        this.hay = this.data.leaf.map((leaf, i) => `${this.data.scope[i] ? `${paths[this.data.scope[i]]}/` : ""}${this.string(leaf)}`.toLowerCase());
      }
      return this.hay;
    }

    extra(i) { return this.data.ops[this.data.op[i]]; }
    find(name) { this.haystack(); const at = this.hay.indexOf(name.toLowerCase()); return at < 0 ? this.findScope(name) : at + this.containers; }
    findScope(name) { const at = this.paths.indexOf(name); return at > 0 ? at : -1; }
  }

  // Runs of sibling scopes (unit_1 … unit_36) with the same ops in the same scopes: three or more.
  function repeated(data) {
    const scopes = data.scopes.parent.length;
    const hash = new Float64Array(scopes);
    const mix = (a, b) => { let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35); h ^= h >>> 15; return (Math.imul(h, 0x2c1b3c6d) ^ (h >>> 13)) >>> 0; };
    for (let i = 0; i < data.nodes; i += 1) if (data.flags[i] & FORWARD) hash[data.scope[i]] += mix(data.leaf[i], data.op[i]);
    // Parents come before their scopes in the file.
    for (let s = scopes - 1; s > 0; s -= 1) hash[data.scopes.parent[s]] += hash[s] ? mix(data.scopes.label[s], hash[s] % 4294967296) : 0;
    const families = new Map();
    for (let s = 1; s < scopes; s += 1) {
      if (!hash[s]) continue;
      const base = data.strings[data.scopes.label[s]].replace(/\d+/g, "#");
      if (!base.includes("#")) continue;
      const key = `${data.scopes.parent[s]} ${hash[s]} ${base}`;
      const list = families.get(key);
      if (list) list.push(s); else families.set(key, [s]);
    }
    return [...families.values()].filter((list) => list.length > 2);
  }

  // ---- layers ----

  class LayersWorld extends World {
    constructor(data) {
      const view = data.layers;
      const count = view.names.length;
      let repeats = view.repeats;
      const drawn = count - repeats.reduce((sum, [, length, times]) => sum + length * (times - 1), 0);
      const scoped = drawn > 300;
      if (scoped) repeats = [];
      const scopes = [];
      const home = new Int32Array(count);
      if (scoped) {
        const known = new Map([["", 0]]);
        view.names.forEach((name, i) => {
          let at = 0, path = "";
          for (const part of name.split("/").slice(0, -1).slice(0, 6)) {
            path = `${path}/${part}`;
            if (!known.has(path)) { known.set(path, scopes.length + 1); scopes.push([at, part]); }
            at = known.get(path);
          }
          home[i] = at;
        });
      } else {
        repeats.forEach(([start, length], r) => { for (let k = 0; k < length; k += 1) home[start + k] = r + 1; });
      }
      super(1 + (scoped ? scopes.length : repeats.length), count);
      this.data = data;
      this.view = view;
      this.repeats = repeats;
      this.scoped = scopes;
      // Copies of a block are not drawn: what leads to them or from them is drawn at the first one.
      this.drawnAs = new Int32Array(count).map((_, i) => i);
      for (const [start, length, times] of repeats) {
        for (let k = length; k < length * times; k += 1) { this.drawnAs[start + k] = start + (k % length); this.shown[start + k] = 0; }
      }
      for (let c = 1; c < this.containers; c += 1) this.parent[c] = scoped ? scopes[c - 1][0] : 0;
      for (let i = 0; i < count; i += 1) this.parent[this.containers + i] = home[i];
      edgesFrom(this, view.sources, view.source);
      this.settle();
    }

    bucket() {
      this.edgesOf = new Map();
      for (let to = 0; to < this.leaves; to += 1) {
        for (const from of this.sourcesOf(to)) {
          const [a, b] = [this.drawnAs[from], this.drawnAs[to]];
          const block = this.parent[this.containers + a];
          // Inside a block only the first copy counts, or its end would lead back to its start.
          if (!this.scoped.length && block > 0 && block === this.parent[this.containers + b] && (a !== from || b !== to)) continue;
          if (a !== b) this.addEdge(a + this.containers, b + this.containers);
        }
      }
    }

    isGroup(id) { return id > 0 && id < this.containers && !this.scoped.length; }
    label(id) {
      if (!this.isContainer(id)) return this.view.labels[id - this.containers];
      if (this.scoped.length) return this.scoped[id - 1][1];
      return `× ${this.repeats[id - 1][2]}`;
    }
    name(id) {
      if (!this.isContainer(id)) return this.view.names[id - this.containers];
      if (this.scoped.length) { const parts = []; for (; id > 0; id = this.parent[id]) parts.push(this.scoped[id - 1][1]); return parts.reverse().join("/"); }
      const [start, length, times] = this.repeats[id - 1];
      return `${times} equal blocks of ${length} layer${length === 1 ? "" : "s"}, the first of them at ${this.view.names[start]}`;
    }
    lines(id) {
      if (this.isContainer(id)) {
        if (this.scoped.length) return [this.label(id), `${this.weight[id]} layers`];
        const [, length, times] = this.repeats[id - 1];
        return [`× ${times}`, `${length} layer${length === 1 ? "" : "s"} each`];
      }
      const i = id - this.containers;
      const [main, ...rest] = this.view.labels[i].split(" + ");
      const second = rest.length ? `+ ${rest.join(" + ")}` : "";
      return [main, ...(second ? [second] : []), ...(this.shape(id) ? [this.shape(id)] : [])];
    }
    kind(id) { return this.isContainer(id) ? "scope" : this.view.kinds[id - this.containers]; }
    shape(id) {
      const shape = this.isContainer(id) ? null : this.view.shapes[id - this.containers];
      return shape ? shape.map((size) => (size === null ? "?" : size)).join("×") || "scalar" : "";
    }
    inputs() { return this.view.kinds.flatMap((kind, i) => (kind === "input" ? [i] : [])); }
    results() { return this.view.names.flatMap((_, i) => (this.readersOf(i).length ? [] : [i])); }
    haystack() { return (this.hay ||= this.view.names.map((name, i) => `${name} ${this.view.labels[i]}`.toLowerCase())); }
    extra(i) { return this.view.labels[i]; }
    find(name) { const at = this.view.names.indexOf(name); return at < 0 ? -1 : at + this.containers; }
  }

  window.zooWorlds = { OpsWorld, LayersWorld, INPUT, OUTPUT };
})();
