// The three requests of this page, all to the service that served it. Addresses are relative to the page.

/** Something the service did not answer: its status (0: not reached) and what it said about it. */
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** Labels, thresholds, counts. */
export function info() {
  return request("v1/info");
}

/** The answer to one sentence, with its reasons. */
export function comfort(text, sessionId) {
  return request("v1/comfort", { text, session_id: sessionId, channel: "playground", explain: true });
}

/** A customer's rating: 1 very satisfied, 2 so-so, 3 unsatisfied. */
export function feedback(requestId, sessionId, satisfaction) {
  return request("v1/feedback", { request_id: requestId, session_id: sessionId, satisfaction });
}

/** A new name for a conversation; works without a secure context, where randomUUID is missing. */
export function newSession() {
  const bytes = crypto.getRandomValues(new Uint8Array(9));
  return "page-" + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function request(path, body) {
  const options = body && {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Refused(0, "");
  }
  const said = await response.json().catch(() => null);
  if (!response.ok) throw new Refused(response.status, said?.detail ?? "");
  return said;
}
