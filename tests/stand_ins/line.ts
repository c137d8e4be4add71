/** A line of TCP on loopback that leads to a server, and can be cut, taken away for a while, or kept silent. */
export interface Line {
  port: number;
  /** Breaks all connections that are open. */
  cut(): void;
  /** The same, and no new ones are taken. */
  leave(): Promise<void>;
  /** New ones are taken again. */
  comeBack(): void;
  close(): Promise<void>;
}

/** To a port of this machine. */
export function openLine(port: number): Line {
  const open = new Set<Deno.Conn>();
  const piping = new Set<Promise<void>>();
  let listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ownPort = listener.addr.port;
  let accepting = accept();
  let isAway = false;

  return {
    port: ownPort,
    cut,
    leave,
    comeBack() {
      if (!isAway) return;
      isAway = false;
      listener = Deno.listen({ hostname: "127.0.0.1", port: ownPort });
      accepting = accept();
    },
    async close(): Promise<void> {
      await leave();
      await Promise.all(piping);
    },
  };

  async function leave(): Promise<void> {
    if (!isAway) listener.close();
    isAway = true;
    cut();
    await accepting;
  }

  function cut(): void {
    for (const connection of open) close(connection);
  }

  async function accept(): Promise<void> {
    for await (const near of listener) {
      const connected = pipeBoth(near).catch(() => {});
      piping.add(connected);
      void connected.finally(() => piping.delete(connected));
    }
  }

  async function pipeBoth(near: Deno.Conn): Promise<void> {
    open.add(near);
    const far = await Deno.connect({ hostname: "127.0.0.1", port }).catch((error) => {
      close(near);
      throw error;
    });
    open.add(far);
    const ends = [near.readable.pipeTo(far.writable), far.readable.pipeTo(near.writable)];
    await Promise.race(ends).catch(() => {});
    close(near);
    close(far);
    await Promise.allSettled(ends);
  }

  function close(connection: Deno.Conn): void {
    if (!open.delete(connection)) return;
    try {
      connection.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}
