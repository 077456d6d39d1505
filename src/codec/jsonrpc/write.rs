//! The messages that are ours: errors, and the requests and notifications of the proxy itself.

/// Text as a JSON string, quotes included.
pub fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// An error response. `id` is JSON text (`null` where the request could not be read).
pub fn error(id: &str, code: i32, message: &str) -> String {
    let message = string(message);
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{code},\"message\":{message}}}}}")
}

/// An error response that says more. `id` and `data` are JSON text.
pub fn error_with_data(id: &str, code: i32, message: &str, data: &str) -> String {
    let message = string(message);
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":{code},\"message\":{message},\"data\":{data}}}}}")
}

/// A successful response. `id` and `result` are JSON text.
pub fn result(id: &str, result: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}")
}

/// A request. `id` and `params` are JSON text.
pub fn request(id: &str, method: &str, params: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{params}}}")
}

/// A request without parameters. `id` is JSON text.
pub fn request_without_params(id: &str, method: &str) -> String {
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\"}}")
}

/// A notification. `params`, if any, is JSON text.
pub fn notification(method: &str, params: Option<&str>) -> String {
    match params {
        Some(params) => format!("{{\"jsonrpc\":\"2.0\",\"method\":\"{method}\",\"params\":{params}}}"),
        None => format!("{{\"jsonrpc\":\"2.0\",\"method\":\"{method}\"}}"),
    }
}
