// LinkedList: a queue whose members can be taken out of its middle at once.

/** What a member of a list must have; the list owns these two fields. */
export interface Linked<T> {
  /** The member before this one. */
  prev: T | null;
  /** The member after this one. */
  next: T | null;
}

/**
 * A doubly linked list of objects that carry their own links: no allocation, every operation in
 * constant time. A member is in one list at a time.
 */
export class LinkedList<T extends Linked<T>> {
  #first: T | null = null;
  #last: T | null = null;
  #size = 0;

  /** The first member. */
  get first(): T | null {
    return this.#first;
  }

  /** The last member. */
  get last(): T | null {
    return this.#last;
  }

  /** How many members there are. */
  get size(): number {
    return this.#size;
  }

  /** Puts a member at the end. */
  pushBack(node: T): void {
    node.prev = this.#last;
    node.next = null;
    if (this.#last) this.#last.next = node;
    else this.#first = node;
    this.#last = node;
    this.#size++;
  }

  /** Puts a member at the front. */
  pushFront(node: T): void {
    node.prev = null;
    node.next = this.#first;
    if (this.#first) this.#first.prev = node;
    else this.#last = node;
    this.#first = node;
    this.#size++;
  }

  /** Puts a member before one that is in this list; at the end where that is null. */
  insertBefore(node: T, following: T | null): void {
    if (!following) return this.pushBack(node);
    if (!following.prev) return this.pushFront(node);
    node.prev = following.prev;
    node.next = following;
    following.prev.next = node;
    following.prev = node;
    this.#size++;
  }

  /** Takes the first member out. */
  shift(): T | null {
    const node = this.#first;
    if (node) this.remove(node);
    return node;
  }

  /** Takes a member out; it must be in this list. */
  remove(node: T): void {
    if (node.prev) node.prev.next = node.next;
    else this.#first = node.next;
    if (node.next) node.next.prev = node.prev;
    else this.#last = node.prev;
    node.prev = node.next = null;
    this.#size--;
  }

  /** The members from the first to the last; the one just given may be taken out meanwhile. */
  *[Symbol.iterator](): Iterator<T> {
    let node = this.#first;
    while (node) {
      const next: T | null = node.next;
      yield node;
      node = next;
    }
  }
}
