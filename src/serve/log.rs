//! The log of requests: lines on standard error, without ids of patients.

use std::io::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// No line for a request.
    #[default]
    None,
    /// A line of JSON for each request.
    Json,
}

/// A request that is answered, or an event.
#[derive(Debug, Serialize)]
pub(super) struct LogEntry<'a> {
    /// Seconds since 1970.
    pub(super) time: f64,
    pub(super) event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reader: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) method: Option<&'a str>,
    /// The path, without the query, whose conditions may name patients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seconds: Option<f64>,
    /// The batch that a stream goes on at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cursor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<&'a str>,
}

impl<'a> LogEntry<'a> {
    /// An entry of now, with nothing but the name of the event.
    pub(super) fn now(event: &'a str) -> Self {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs_f64();
        Self {
            time,
            event,
            reader: None,
            method: None,
            path: None,
            status: None,
            seconds: None,
            cursor: None,
            error: None,
        }
    }
}

impl LogFormat {
    /// Writes `entry` where requests are logged.
    pub(super) fn write(self, entry: &LogEntry<'_>) {
        if self == Self::Json
            && let Ok(mut line) = serde_json::to_vec(entry)
        {
            line.push(b'\n');
            // Without standard error the line is lost.
            let _ = std::io::stderr().write_all(&line);
        }
    }
}
