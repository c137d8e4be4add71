/** A request at `/mcp` that is refused before any of it is looked at, as an error of JSON-RPC 2.0. */

interface RpcError {
  jsonrpc: "2.0";
  error: { code: number; message: string; data?: { code: string; requestId: string } };
  /** Which request it was is not known. */
  id: null;
}

/** By the code of the refusal (JSON-RPC 2.0, section 5.1); all others are of the server's own range. */
const numbers: { [code: string]: number } = { invalid_request: -32600, internal: -32603 };
const anyOther = -32000;

export const parseError = -32700;
export const invalidRequest = -32600;

export function rpcErrorJson(
  { code, message, requestId }: { code: string; message: string; requestId: string },
): RpcError {
  return plainRpcError(numbers[code] ?? anyOther, message, { code, requestId });
}

/** One that JSON-RPC itself knows. */
export function plainRpcError(code: number, message: string, data?: RpcError["error"]["data"]): RpcError {
  return { jsonrpc: "2.0", error: { code, message, ...(data !== undefined && { data }) }, id: null };
}
