#[cfg(feature = "sandbox")]
mod survey;

use std::future::pending;

use super::*;
use crate::{
    config::{Flag, Sources, load},
    lifecycle::Outcome,
    proto::{GetServerInfoRequest, server_service_client::ServerServiceClient},
};

fn configured(pairs: &[(&str, &str)]) -> Config {
    let flag = |(key, value): &(&str, &str)| Flag {
        flag: "--set".to_owned(),
        key: (*key).to_owned(),
        value: (*value).to_owned(),
    };
    load(&Sources { flags: pairs.iter().map(flag).collect(), ..Sources::default() }).unwrap().config
}

#[cfg(feature = "sandbox")]
#[tokio::test]
async fn a_server_on_the_sandbox_says_so_and_drains() {
    let config = configured(&[
        ("server.listen", "127.0.0.1:0"),
        ("sandbox.listen", "127.0.0.1:0"),
        ("sandbox.region", "eu-west-1"),
        ("admin.listen", "off"),
        ("server.reflection", "false"),
    ]);
    let life = Lifecycle::new();
    let running = start(&config, Neighbour::Sandbox, &life).await.unwrap();
    let mut client = ServerServiceClient::connect(format!("http://{}", running.grpc)).await.unwrap();
    let info = client.get_server_info(GetServerInfoRequest {}).await.unwrap().into_inner();
    assert!(info.sandbox);
    assert_eq!(info.sandbox_endpoint, format!("http://{}", running.sandbox.unwrap()));
    assert_eq!(info.default_scope.unwrap().region, "eu-west-1");
    assert_eq!((info.features, running.admin), (vec!["sandbox".to_owned()], None));
    assert_eq!(info.limits.unwrap().request_timeout_seconds, 180);
    drop(client);
    life.stop();
    assert_eq!(life.run(async || pending().await, async || pending().await).await, Outcome::Drained);
}

#[tokio::test]
async fn an_address_in_use_is_refused_with_its_key() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let config = configured(&[("server.listen", &address.to_string())]);
    let life = Lifecycle::new();
    let refused = start(&config, Neighbour::Aws, &life).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("the gRPC server cannot listen on {address}: choose another server.listen, or end what listens there")
    );
}

#[cfg(feature = "sandbox")]
#[tokio::test]
async fn the_default_admin_port_is_done_without_where_another_process_has_it() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let mut config = configured(&[
        ("server.listen", "127.0.0.1:0"),
        ("sandbox.listen", "127.0.0.1:0"),
        ("admin.listen", &address.to_string()),
    ]);
    let refused = start(&config, Neighbour::Sandbox, &Lifecycle::new()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("the admin port cannot listen on {address}: choose another admin.listen, or end what listens there")
    );
    config.admin = AdminConfig::default();
    // Where this fails, another process has it already.
    let _taken = TcpListener::bind(config.admin.listen.unwrap()).await;
    let life = Lifecycle::new();
    assert_eq!(start(&config, Neighbour::Sandbox, &life).await.unwrap().admin, None);
    life.stop();
    assert_eq!(life.run(async || pending().await, async || pending().await).await, Outcome::Drained);
}
