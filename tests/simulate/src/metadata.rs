//! Azure's instance metadata service, as a machine of its would be answered.

use serde_json::json;
use std::sync::Arc;
use tiny_http::{Response, Server};

/// The path that is asked for.
const PATH: &str = "/metadata/instance/compute";

/// A service that tells a size for as long as it lives.
pub struct Metadata {
    server: Arc<Server>,
    address: String,
}

impl Metadata {
    /// Starts one.
    ///
    /// # Errors
    /// No port is to be had.
    pub fn telling(size: &str) -> std::io::Result<Self> {
        let server = Arc::new(Server::http("127.0.0.1:0").map_err(std::io::Error::other)?);
        let address = format!("http://{}", server.server_addr());
        // The fields are those of Microsoft's documented answer that gpucheck reads.
        let answer = json!({
            "vmSize": size, "location": "koreacentral", "publisher": "microsoft-dsvm", "offer": "ubuntu-2204",
            "sku": "2204-gen2", "securityProfile": {"secureBootEnabled": "false"},
        })
        .to_string();
        let serving = Arc::clone(&server);
        std::thread::spawn(move || {
            for request in serving.incoming_requests() {
                let is_asked = request.url().starts_with(PATH)
                    && request.headers().iter().any(|header| header.field.equiv("Metadata"));
                let response = if is_asked {
                    Response::from_string(&answer)
                } else {
                    Response::from_string("Bad request").with_status_code(400)
                };
                // Whoever asked may be gone.
                let _ = request.respond(response);
            }
        });
        Ok(Self { server, address })
    }

    /// Where it answers.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Metadata {
    fn drop(&mut self) {
        self.server.unblock();
    }
}
