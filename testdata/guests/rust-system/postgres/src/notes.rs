//! What both services do with the database that DATABASE_URL names.

use std::error::Error;
use std::net::ToSocketAddrs;

use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::{self, LocalSet};
use tokio_postgres::config::Host;
use tokio_postgres::{Client, Config, NoTls};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Responds to a request with a status and a text.
///
/// - `/rows?add=TEXT` inserts a row if asked to, and lists all
/// - `/types` reads values of many types
/// - `/wrong` sends a statement that is wrong
/// - `/big?n=N` has the server make N rows, and adds up what comes
/// - `/rollback` inserts a row and thinks better of it
/// - `/panic` panics if there is no connection
pub fn respond(target: &str) -> (u16, String) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let value = query.split_once('=').map(|(_, value)| value);
    let runtime = Builder::new_current_thread().enable_io().build().unwrap();
    match LocalSet::new().block_on(&runtime, ask(path, value)) {
        Ok(text) => (200, text),
        Err(err) if path == "/panic" => panic!("{err}"),
        Err(err) => (502, format!("{}\n", chain(&*err))),
    }
}

/// The error and what caused it.
fn chain(err: &dyn Error) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        text += &format!(": {err}");
        cause = err.source();
    }
    text
}

async fn ask(path: &str, value: Option<&str>) -> Result<String> {
    let config: Config = std::env::var("DATABASE_URL")?.parse()?;
    let Some(Host::Tcp(host)) = config.get_hosts().first() else {
        return Err("DATABASE_URL names no host".into());
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    // tokio would look the name up in another thread, which there is not.
    let addresses: Vec<_> = (host.as_str(), port).to_socket_addrs()?.collect();
    let stream = TcpStream::connect(&addresses[..]).await?;
    let (mut client, connection) = config.connect_raw(stream, NoTls).await?;
    let connection = task::spawn_local(connection);
    let text = query(&mut client, path, value).await?;
    drop(client);
    connection.await??; // says good-bye to the server
    Ok(text)
}

async fn query(client: &mut Client, path: &str, value: Option<&str>) -> Result<String> {
    match path {
        "/types" => {
            let row = client
                .query_one(
                    "SELECT true, 1::int2, -2::int4, 3::int8, 0.5::float8, 'wörd'::text, \
                     '\\x00ff'::bytea, NULL::text, ARRAY[1, 2]",
                    &[],
                )
                .await?;
            Ok(format!(
                "{} {} {} {} {} {} {:?} {:?} {:?}\n",
                row.get::<_, bool>(0),
                row.get::<_, i16>(1),
                row.get::<_, i32>(2),
                row.get::<_, i64>(3),
                row.get::<_, f64>(4),
                row.get::<_, &str>(5),
                row.get::<_, &[u8]>(6),
                row.get::<_, Option<&str>>(7),
                row.get::<_, Vec<i32>>(8),
            ))
        }
        "/wrong" => {
            client.batch_execute("SELECT nothing FROM nowhere").await?;
            Ok("it was not\n".into())
        }
        "/big" => {
            let n: i32 = value.unwrap_or("1000").parse()?;
            let rows = client
                .query("SELECT i, repeat('x', 100) FROM generate_series(1, $1) i", &[&n])
                .await?;
            let sum: i64 = rows.iter().map(|row| i64::from(row.get::<_, i32>(0))).sum();
            let bytes: usize = rows.iter().map(|row| row.get::<_, &str>(1).len()).sum();
            Ok(format!("{} rows, sum {sum}, {bytes} bytes\n", rows.len()))
        }
        "/rollback" => {
            create(client).await?;
            let transaction = client.transaction().await?;
            insert(transaction.client(), "never").await?;
            transaction.rollback().await?;
            list(client).await
        }
        _ => {
            create(client).await?;
            if let Some(text) = value {
                insert(client, text).await?;
            }
            list(client).await
        }
    }
}

async fn create(client: &Client) -> Result<()> {
    let statement = "CREATE TABLE IF NOT EXISTS notes (id serial PRIMARY KEY, text text NOT NULL)";
    Ok(client.batch_execute(statement).await?)
}

async fn insert(client: &Client, text: &str) -> Result<()> {
    client.execute("INSERT INTO notes (text) VALUES ($1)", &[&text]).await?;
    Ok(())
}

async fn list(client: &Client) -> Result<String> {
    let mut text = String::new();
    for row in client.query("SELECT text FROM notes ORDER BY id", &[]).await? {
        text += row.get::<_, &str>(0);
        text += "\n";
    }
    Ok(text)
}
