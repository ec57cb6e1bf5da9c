//! `dicomprep serve`: batches over HTTP.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use dicomprep::serve::{AccessOptions, LogFormat, ServeOptions, TlsFiles, serve};

use crate::args::{Log, OutputArgs, ServeArgs, all_cores};
use crate::exit::{self, Exit};

/// The port where none is named.
const PORT: u16 = 8000;

pub(crate) fn run(args: &ServeArgs, output: &OutputArgs) -> anyhow::Result<Exit> {
    let options = options(args)?;
    let scheme = if options.tls.is_some() { "https" } else { "http" };
    serve(&args.files, options, |address| {
        if !output.quiet {
            exit::tell(&format!("listening on {scheme}://{address}/\n"));
        }
    })?;
    Ok(Exit::Done)
}

fn options(args: &ServeArgs) -> anyhow::Result<ServeOptions> {
    let (access, limits) = (&args.access, &args.limits);
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    let tls = access.tls_cert.clone().zip(access.tls_key.clone());
    Ok(ServeOptions {
        listen: args.listen.map_or_else(default_address, Ok)?,
        access: match (&access.token_file, std::env::var("DICOMPREP_TOKENS")) {
            (Some(file), _) => AccessOptions::TokenFile(file.clone()),
            (None, Ok(tokens)) => AccessOptions::Tokens(tokens),
            (None, Err(_)) => AccessOptions::Open,
        },
        public: access.public,
        tls: tls.map(|(certificate, key)| TlsFiles { certificate, key }),
        cors: access.cors.clone(),
        threads: limits.threads.map_or_else(all_cores, usize::from),
        prefetch: limits.prefetch.get(),
        cache_bytes: limits.cache.0,
        max_streams: limits.max_streams.get(),
        max_connections: limits.max_connections.get(),
        group_window: limits.group_window.get() as u64,
        drain: seconds(limits.drain_seconds),
        head_timeout: seconds(limits.head_timeout),
        write_timeout: seconds(limits.write_timeout),
        log: match args.log {
            Log::None => LogFormat::None,
            Log::Json => LogFormat::Json,
        },
    })
}

/// All addresses at PORT of the environment, as platforms set it; otherwise loopback.
fn default_address() -> anyhow::Result<SocketAddr> {
    match std::env::var("PORT") {
        Ok(port) => {
            let port = port.parse().with_context(|| format!("PORT={port} in the environment is no port"))?;
            Ok(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))
        }
        Err(_) => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, PORT))),
    }
}
