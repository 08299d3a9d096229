actor {
  stable var count : Nat = 0;

  public func increment() : async Nat { count += 1; count };

  public query func read() : async Nat { count };

  public shared ({ caller }) func whoami() : async Principal { caller };

  // Increments another counter twice, and adds up what it said.
  public func twice(other : actor { increment : () -> async Nat }) : async Nat {
    let first = await other.increment();
    let second = await other.increment();
    count += first + second;
    count
  };

  // Counts, waits for another counter, counts again, and traps.
  public func fail(other : actor { increment : () -> async Nat }) : async () {
    count += 10;
    ignore await other.increment();
    count += 100;
    assert false
  };
}
