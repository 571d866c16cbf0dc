//! The files of certificates and keys: exchanged, broken, missing, and mended.

use super::*;
use crate::served::Served;

fn said(line: &serde_json::Value, text: &str) -> bool {
    line["message"].as_str().is_some_and(|message| message.contains(text))
}

/// Begins a connection for every call.
async fn who_anew(server: &Encrypted, roots: &str, client: &(String, String)) -> Principal {
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(roots));
    let tls = tls.identity(Identity::from_pem(&client.0, &client.1));
    let endpoint = Endpoint::from_shared(format!("https://localhost:{}", server.port)).unwrap();
    who(endpoint.tls_config(tls).unwrap().connect().await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn no_new_connection_is_lost_while_authorities_and_certificates_are_exchanged_one_after_the_other() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let both = format!("{}{}", old.pem(), new.pem());
    let server = Encrypted::start_knowing(&old, |_| {}).await;
    let (of_old, of_new) = (client(&old, "spiffe://example/old"), client(&new, "spiffe://example/new"));
    who_anew(&server, &both, &of_old).await;
    let taken = async |name: &str, content: &str| {
        // Renamed into place, as Kubernetes does: half of a file is seen by nobody.
        fs::write(server.file("next"), content).unwrap();
        fs::rename(server.file("next"), server.file(name)).unwrap();
    };
    // As docs/security.md says: both authorities are taken, the server's certificate is exchanged, then clients' are.
    taken("ca.pem", &both).await;
    loop {
        let channel = server.channel(&old, Some(&of_new)).await;
        if let Ok(channel) = channel
            && who(channel).await.is_ok()
        {
            break;
        }
        who_anew(&server, &both, &of_old).await;
    }
    let pair = new.signs_for("localhost");
    taken("server.pem.key", &pair.1).await;
    taken("server.pem", &pair.0).await;
    while server.channel(&new, Some(&of_new)).await.is_err() {
        who_anew(&server, &both, &of_old).await;
        who_anew(&server, &both, &of_new).await;
    }
    taken("ca.pem", &new.pem()).await;
    loop {
        who_anew(&server, &both, &of_new).await;
        let Ok(channel) = server.channel(&new, Some(&of_old)).await else { break };
        if who(channel).await.is_err() {
            break;
        }
    }
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused_with_its_size_rather_than_cut_off() {
    let (ours, life) = (Authority::new("ours"), Lifecycle::new());
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("a.pem"), folder.path().join("a.pem.key"));
    // Whole certificates within the first megabyte, and a good key.
    let pair = ours.signs_for("localhost");
    write(&certificate, &(format!("{}{}", pair.0, "\n".repeat(1 << 20)), pair.1));
    let mut config = Config::default();
    config.server.listen = ([127, 0, 0, 1], 0).into();
    config.admin.listen = None;
    config.server.tls.certificate_file = Some(certificate.clone());
    config.server.tls.key_file = Some(key);
    let size = fs::metadata(&certificate).unwrap().len();
    let told = app::start(&config, Neighbour::Sandbox, &life).await.unwrap_err().to_string();
    assert!(told.starts_with("server.tls.certificate_file: "), "{told}");
    assert!(told.ends_with(&format!("has {size} bytes, and a PEM file may have 1048576")), "{told}");
}

#[tokio::test]
async fn files_that_cannot_be_used_are_told_of_once_and_measured_until_they_can() {
    let (ours, folder) = (Authority::new("ours"), tempfile::tempdir().unwrap());
    let at = |name: &str| folder.path().join(name);
    let ends = seconds_now() + 86_400;
    let signs = || {
        ours.signs(|it| {
            it.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(ends);
            it.subject_alt_names = vec![SanType::DnsName("localhost".try_into().unwrap())];
        })
    };
    let good = signs();
    write(&at("server.pem"), &good);
    fs::write(at("ca.pem"), ours.pem()).unwrap();
    let setting = |key: &str, file: &str| format!("server.tls.{key}={}", at(file).display());
    let (certificate, key, ca) = (
        setting("certificate_file", "server.pem"),
        setting("key_file", "server.pem.key"),
        setting("client_ca_file", "ca.pem"),
    );
    let mut served = Served::start(&[&certificate, &key, &ca, "server.tls.reload_interval=1s"]).await;
    let until = format!("strongroom_tls_certificate_not_after_seconds{{certificate=\"server\"}} {ends}");
    let metrics = served.scraped().await;
    for series in [&*until, "strongroom_tls_files_usable 1", "not_after_seconds{certificate=\"client_ca\"} "] {
        assert!(metrics.contains(series), "{series} is missing in {metrics}");
    }
    fs::write(at("server.pem"), "no certificate").unwrap();
    let fault = served.line(|line| said(line, "server.tls cannot be used")).await;
    assert_eq!(fault["level"], "WARN");
    assert!(fault.to_string().contains("holds no certificate in PEM"), "{fault}");
    let metrics = served.scraped().await;
    for series in [&*until, "strongroom_tls_files_usable 0", "reloads_total{outcome=\"unusable\"} 1"] {
        assert!(metrics.contains(series), "{series} is missing in {metrics}");
    }
    // As it was: what is in use is what is in the files again.
    fs::write(at("server.pem"), &good.0).unwrap();
    served.line(|line| said(line, "can be used again")).await;
    write(&at("server.pem"), &signs());
    served.line(|line| said(line, "took new certificates")).await;
    let told = served.stop().await;
    assert_eq!(told.value("strongroom.tls.files.usable", &[]), Some(1.0));
    assert_eq!(told.value("strongroom.tls.certificate.reloads", &[("outcome", "used")]), Some(1.0));
    let faults = told.value("strongroom.tls.certificate.reloads", &[("outcome", "unusable")]).unwrap();
    assert!(faults <= 2.0, "the one above, and at most that of a key whose certificate was not written yet: {faults}");
}
