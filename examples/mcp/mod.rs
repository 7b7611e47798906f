//! As much of MCP over HTTP as tools take: one JSON-RPC message a POST, answered with JSON. It speaks the revision 2026-07-28, and
//! 2025-11-25 for those who begin with `initialize`.
#![allow(
    clippy::indexing_slicing,
    clippy::result_large_err,
    reason = "it stands in for an SDK; what is missing in a message is null, and what is written into was made here"
)]

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// The newest first.
const VERSIONS: [&str; 2] = ["2026-07-28", "2025-11-25"];

// What JSON-RPC and MCP call it.
const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;
const HEADER_MISMATCH: i32 = -32020;
const UNSUPPORTED_VERSION: i32 = -32022;

/// A call of a tool, to be answered with [`text`](Call::text) or [`unknown`](Call::unknown).
pub(crate) struct Call {
    id: Value,
    pub(crate) tool: String,
    arguments: Value,
}

/// Answers what is the same for every server with `tools`, and hands the rest out.
pub(crate) fn receive(headers: &HeaderMap, message: &Value, tools: &Value) -> Result<Call, Response> {
    let (method, params) = (message["method"].as_str().unwrap_or_default(), &message["params"]);
    let Some(id) = message.get("id").cloned() else {
        return Err(StatusCode::ACCEPTED.into_response());
    };
    check(headers, &id, method, params)?;
    let server = json!({ "name": "notes", "version": env!("CARGO_PKG_VERSION") });
    let about_all = |mut result: Value| {
        result["ttlMs"] = json!(60_000);
        result["cacheScope"] = json!("public");
        Err(answer(&id, result))
    };
    match method {
        "tools/call" => Ok(Call {
            id,
            tool: params["name"].as_str().unwrap_or_default().to_owned(),
            arguments: params["arguments"].clone(),
        }),
        "tools/list" => about_all(json!({ "tools": tools })),
        "server/discover" => about_all(json!({
            "supportedVersions": VERSIONS,
            "capabilities": { "tools": {} },
            "_meta": { "io.modelcontextprotocol/serverInfo": server },
        })),
        "initialize" => Err(answer(
            &id,
            json!({ "protocolVersion": VERSIONS[1], "capabilities": { "tools": {} }, "serverInfo": server }),
        )),
        "ping" => Err(answer(&id, json!({}))),
        _ => Err(error(StatusCode::NOT_FOUND, &id, METHOD_NOT_FOUND, "no such method", None)),
    }
}

/// From 2026-07-28 on, headers repeat what is in the body, for those on the way who go by them.
fn check(headers: &HeaderMap, id: &Value, method: &str, params: &Value) -> Result<(), Response> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let version = header("mcp-protocol-version");
    if let Some(version) = version
        && !VERSIONS.contains(&version)
    {
        let data = json!({ "supported": VERSIONS, "requested": version });
        let message = "this version is not spoken here";
        return Err(error(StatusCode::BAD_REQUEST, id, UNSUPPORTED_VERSION, message, Some(data)));
    }
    let stated = params["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str();
    if stated.is_none() && version != Some(VERSIONS[0]) {
        return Ok(());
    }
    let name = params["name"].as_str().filter(|_| method == "tools/call");
    if (version, header("mcp-method"), header("mcp-name")) == (stated, Some(method), name) {
        return Ok(());
    }
    Err(error(StatusCode::BAD_REQUEST, id, HEADER_MISMATCH, "headers and body differ", None))
}

impl Call {
    /// The argument `text`, if it is one.
    pub(crate) fn text_argument(&self) -> &str {
        self.arguments["text"].as_str().unwrap_or_default()
    }

    pub(crate) fn text(&self, text: &str) -> Response {
        answer(&self.id, json!({ "content": [{ "type": "text", "text": text }] }))
    }

    pub(crate) fn unknown(&self) -> Response {
        error(StatusCode::OK, &self.id, INVALID_PARAMS, "no such tool", None)
    }
}

fn answer(id: &Value, mut result: Value) -> Response {
    result["resultType"] = json!("complete");
    Json(json!({ "jsonrpc": "2.0", "id": id, "result": result })).into_response()
}

fn error(status: StatusCode, id: &Value, code: i32, message: &str, data: Option<Value>) -> Response {
    let mut error = json!({ "code": code, "message": message });
    if let Some(data) = data {
        error["data"] = data;
    }
    (status, Json(json!({ "jsonrpc": "2.0", "id": id, "error": error }))).into_response()
}

/// Keeps the pages of every origin but `own` out: one of them may have found its way to this machine by DNS, and then a `Host`
/// that it has chosen itself.
pub(crate) async fn refuse_other_origins(
    State(own): State<String>,
    request: Request,
    next: Next,
) -> Response {
    match request.headers().get(header::ORIGIN) {
        Some(origin) if *origin != *own => StatusCode::FORBIDDEN.into_response(),
        _ => next.run(request).await,
    }
}

/// What to set to try the lines at the top of the example, with tokens for a reader and a writer.
pub(crate) fn print_curl_lines(resource: &str, [reader, writer]: &[String; 2]) {
    println!("No provider is set, so one that says yes runs inside. MCP clients find it by {resource}\n");
    println!("To try it by hand, paste, and go on with the lines at the top of examples/mcp_server.rs:\n");
    println!("READER={reader}\n\nWRITER={writer}\n");
    let call = |method: &str, params: Value| json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    println!("LIST='{}'", call("tools/list", json!({})));
    println!(
        "ADD='{}'\n",
        call("tools/call", json!({ "name": "add_note", "arguments": { "text": "hello" } }))
    );
}
