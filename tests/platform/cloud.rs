//! Azure's instance metadata service: asked there and only there, and not believed blindly.

use super::{azure, seen};
use crate::stage::Machine;
use gpucheck::probe::platform;
use gpucheck_checks::fact::{CloudProvider, InstanceMetadata, Observed};
use std::{
    io::Read,
    net::{TcpListener, TcpStream},
    process::Command,
    sync::mpsc,
    time::{Duration, Instant},
};
use tiny_http::{Header, Request, Response, Server};

/// The answer as Microsoft documents it, in part.
/// Source: <https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service>, "Sample 1: Tracking VM
/// running on Azure", answer of `/metadata/instance/compute`.
const DOCUMENTED: &str = r#"{
    "azEnvironment": "AZUREPUBLICCLOUD", "customData": "", "evictionPolicy": "", "isHostCompatibilityLayerVm": "true",
    "licenseType": "Windows_Client", "location": "westus", "name": "examplevmname",
    "offer": "0001-com-ubuntu-server-jammy", "osProfile": {"adminUsername": "admin", "computerName": "examplevmname",
    "disablePasswordAuthentication": "true"}, "osType": "Linux", "placementGroupId": "",
    "plan": {"name": "planName", "product": "planProduct", "publisher": "planPublisher"},
    "platformFaultDomain": "36", "platformUpdateDomain": "42", "priority": "Regular", "publicKeys": [],
    "publisher": "canonical", "resourceGroupName": "macikgo-test-may-23",
    "resourceId": "/subscriptions/xxxxxxxx-xxxxx-xxx-xxx-xxxx/resourceGroups/macikgo-test-may-23/providers/Microsoft.Compute/virtualMachines/examplevmname",
    "securityProfile": {"secureBootEnabled": "true", "virtualTpmEnabled": "false"}, "sku": "22_04-lts-gen2",
    "storageProfile": {"dataDisks": [], "imageReference": {"id": "", "offer": "WindowsServer"}},
    "subscriptionId": "xxxxxxxx-xxxxx-xxx-xxx-xxxx", "tags": "baz:bash;foo:bar", "tagsList": [],
    "version": "15.05.22", "vmId": "02aab8a4-74ef-476e-8182-f6d2ba4166a6", "vmScaleSetName": "",
    "vmSize": "Standard_NC6", "zone": ""
}"#;

/// A service that answers each request so, and tells what it was asked.
fn service(answer: impl Fn(Request) + Send + 'static) -> String {
    let server = Server::http("127.0.0.1:0").unwrap();
    let address = format!("http://{}", server.server_addr());
    std::thread::spawn(move || server.incoming_requests().for_each(answer));
    address
}

fn ask(machine: &Machine, base: &str) -> Observed<InstanceMetadata> {
    let ask = platform::Ask { cloud_metadata: Some(base.to_owned()), ..super::offline() };
    seen(platform::probe(&machine.root(), &ask)).cloud.metadata
}

#[test]
fn the_documented_answer_is_understood() {
    let (tell, told) = mpsc::channel();
    let base = service(move |request| {
        let header = request.headers().iter().find(|header| header.field.equiv("Metadata")).cloned();
        tell.send((request.url().to_owned(), header)).unwrap();
        request.respond(Response::from_string(DOCUMENTED)).unwrap();
    });
    let expected = InstanceMetadata {
        vm_size: Some("Standard_NC6".to_owned()),
        location: Some("westus".to_owned()),
        image: Some("canonical:0001-com-ubuntu-server-jammy:22_04-lts-gen2".to_owned()),
        secure_boot: Some(true),
    };
    assert_eq!(ask(&azure(), &base), Observed::Seen(expected));
    let (url, header) = told.recv().unwrap();
    assert!(url.starts_with("/metadata/instance/compute?api-version=20"), "{url}");
    assert_eq!(header.unwrap().value.as_str(), "true");
    assert!(told.try_recv().is_err(), "one question is enough");
}

#[test]
fn nobody_is_asked_elsewhere_or_when_told_not_to() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let amazon = Machine::linux().file("/sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
    // Microsoft's own hypervisor on somebody's own machine.
    let hyper_v = azure().file("/sys/class/dmi/id/chassis_asset_tag", "7783-7084-3265-9085-8269-3286-78\n");
    for machine in [Machine::linux(), amazon, hyper_v] {
        assert_eq!(ask(&machine, &base).why_not(), "not probed: not on Azure");
    }
    let host = super::host_of(&azure());
    assert_eq!(host.cloud.provider, Some(CloudProvider::Azure));
    assert_eq!(host.cloud.metadata.why_not(), "not probed: told not to ask the cloud");
    let ran = gpucheck(&azure(), &["--no-cloud-metadata", "--cloud-metadata-url", &base]);
    assert!(ran.contains("told not to ask the cloud"), "{ran}");
    assert!(listener.accept().is_err(), "somebody called");
}

/// What the program records of a machine.
fn gpucheck(machine: &Machine, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gpucheck"));
    command.env_clear().env("PATH", "/nowhere").args(["record", "--only", "pci", "--root"]);
    // Nothing listens there: whoever takes the proxy gets no answer.
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"] {
        command.env(name, "http://127.0.0.1:9");
    }
    let output = command.arg(machine.path()).args(args).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_proxy_is_not_asked() {
    let base = service(|request| request.respond(Response::from_string(DOCUMENTED)).unwrap());
    let facts = gpucheck(&azure(), &["--cloud-metadata-url", &base]);
    assert!(facts.contains("\"vm_size\": \"Standard_NC6\""), "{facts}");
    assert!(!facts.contains("examplevmname") && !facts.contains("02aab8a4"), "{facts}");
}

#[test]
fn a_service_that_does_not_answer_in_time_is_left() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    // The header comes at once, its body byte by byte: each byte alone is in time.
    let slow = TcpListener::bind("127.0.0.1:0").unwrap();
    let slow_address = slow.local_addr().unwrap();
    std::thread::spawn(move || slow.incoming().for_each(|stream| drip(stream.unwrap())));
    for address in [silent.local_addr().unwrap(), slow_address] {
        let machine = azure();
        let start = Instant::now();
        let metadata = ask(&machine, &format!("http://{address}"));
        assert!(start.elapsed() < Duration::from_millis(600), "{:?}", start.elapsed());
        assert!(metadata.failure().is_some(), "{metadata:?}");
    }
}

fn drip(mut stream: TcpStream) {
    use std::io::Write;
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    while stream.write_all(b" ").is_ok() {
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn no_route_and_no_service_are_told_at_once() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for base in [format!("http://{closed}"), "http://host.invalid".to_owned(), "no url".to_owned()] {
        let start = Instant::now();
        let metadata = ask(&azure(), &base);
        assert!(metadata.failure().is_some(), "{base}: {metadata:?}");
        assert!(start.elapsed() < Duration::from_millis(800), "{base}: {:?}", start.elapsed());
    }
}

#[test]
fn an_answer_that_is_none_is_a_failure() {
    let header = |line: &str| line.parse::<Header>().unwrap();
    let (tell, told) = mpsc::channel();
    let elsewhere = service(move |request| {
        tell.send(()).unwrap();
        request.respond(Response::from_string(DOCUMENTED)).unwrap();
    });
    let redirect = header(&format!("Location: {elsewhere}/metadata/instance/compute"));
    let text = |status: u16, body: &str| Response::from_string(body).with_status_code(status);
    for (what, response) in [
        ("garbage", text(200, "<html>log in to the hotel's network</html>")),
        ("nothing", text(200, "")),
        ("a list", text(200, "[]")),
        ("another type", text(200, r#"{"vmSize": ["Standard_NC6"]}"#)),
        ("half of it", text(200, &DOCUMENTED[..200])),
        ("a redirect", text(302, "").with_header(redirect)),
        ("an error", text(500, DOCUMENTED)),
        ("not found", text(404, DOCUMENTED)),
        ("too many requests", text(429, DOCUMENTED)),
        ("nesting", text(200, &"[".repeat(100_000))),
        ("ten megabytes", text(200, &format!("{{\"vmSize\":\"{}\"}}", "x".repeat(10_000_000)))),
    ] {
        let response = std::sync::Mutex::new(Some(response));
        let base = service(move |request| {
            if let Some(response) = response.lock().unwrap().take() {
                let _ = request.respond(response);
            }
        });
        let metadata = ask(&azure(), &base);
        assert!(metadata.failure().is_some(), "{what}: {metadata:?}");
        assert!(metadata.why_not().len() < 500, "{what}: {}", metadata.why_not().len());
    }
    assert!(told.try_recv().is_err(), "a redirect was followed");
}

#[test]
fn an_answer_without_the_expected_fields_is_an_empty_one() {
    let odd = r#"{"vmSize":"","location":null,"publisher":"canonical","securityProfile":{"secureBootEnabled":"maybe"},"new":1}"#;
    let base = service(move |request| request.respond(Response::from_string(odd)).unwrap());
    let metadata = seen(ask(&azure(), &base));
    let expected = InstanceMetadata { image: Some("canonical".to_owned()), ..InstanceMetadata::default() };
    assert_eq!(metadata, expected);
}

#[test]
fn a_service_that_hangs_up_is_a_failure() {
    let rude = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", rude.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in rude.incoming() {
            let _ = stream.unwrap().read(&mut [0; 16]);
        }
    });
    assert!(ask(&azure(), &base).failure().is_some());
}

#[test]
fn azures_labs_name_their_machines() {
    let trace = |name: &str| super::host_of(&azure().file("/etc/hostname", name)).cloud.lab;
    for name in ["ML-RefVm-558285\n", "lab000000\n", "lab000001\n"] {
        assert!(trace(name).is_some_and(|trace| !trace.contains("558285")), "{name}");
    }
    for name in ["ML-RefVm-\n", "lab1\n", "lab00000x\n", "ml-refvm-5582851\n", "vm\n", ""] {
        assert_eq!(trace(name), None, "{name}");
    }
    let elsewhere = Machine::linux().file("/etc/hostname", "lab000001\n");
    assert_eq!(super::host_of(&elsewhere).cloud.lab, None);
}
