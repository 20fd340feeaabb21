//! The cloud: known by the firmware; Azure's size by its instance metadata service.

use gpucheck_checks::fact::{Cloud, CloudProvider, Dmi, InstanceMetadata, Observed};
use serde::Deserialize;
use std::time::Duration;

/// Where Azure answers. Link-local: it never leaves the host underneath.
///
/// Source: <https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service>.
pub const AZURE_METADATA: &str = "http://169.254.169.254";
const PATH: &str = "/metadata/instance/compute?api-version=2021-02-01";
const DEADLINE: Duration = Duration::from_millis(300);
const LARGEST: u64 = 1 << 20;

/// The asset tag of every chassis in Azure.
///
/// Source: cloud-init, cloudinit/sources/azure/identity.py.
const AZURE_ASSET_TAG: &str = "7783-7084-3265-9085-8269-3286-77";

/// Tells the cloud, and asks it for the size where it is Azure and `base` is given.
pub(super) fn detect(dmi: &Dmi, base: Option<&str>, host_name: Option<&str>) -> Cloud {
    let provider = provider(dmi);
    let metadata = match (provider, base) {
        (Some(CloudProvider::Azure), Some(base)) => ask(base),
        (Some(CloudProvider::Azure), None) => Observed::not_probed("told not to ask the cloud"),
        _ => Observed::not_probed("not on Azure"),
    };
    Cloud { provider, metadata, lab: lab(provider, host_name) }
}

/// Azure Lab Services by the name that it gives to a machine: `ML-RefVm-558285`, since 2022 `lab000000` for the template
/// and `lab000001` for a student. The name itself is not kept.
///
/// Source: shell prompts of such machines in public course material (`student@ML-RefVm-558285`, `codepath@lab000000`,
/// `disi@lab000001`), and the instance metadata of one (`"name":"ML-RefVm-548509"`).
fn lab(provider: Option<CloudProvider>, host_name: Option<&str>) -> Option<String> {
    let name = host_name.filter(|_| provider == Some(CloudProvider::Azure))?.to_ascii_lowercase();
    let numbered =
        |text: &str, digits: usize| text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    let trace = if name.strip_prefix("ml-refvm-").is_some_and(|number| numbered(number, 6)) {
        "host name ML-RefVm-NNNNNN"
    } else if name.strip_prefix("lab").is_some_and(|number| numbered(number, 6)) {
        "host name labNNNNNN"
    } else {
        return None;
    };
    Some(trace.to_owned())
}

fn provider(dmi: &Dmi) -> Option<CloudProvider> {
    let starts =
        |field: &Option<String>, text: &str| field.as_deref().is_some_and(|field| field.starts_with(text));
    if dmi.chassis_asset_tag.as_deref() == Some(AZURE_ASSET_TAG) {
        Some(CloudProvider::Azure)
    } else if starts(&dmi.sys_vendor, "Amazon EC2") || starts(&dmi.bios_vendor, "Amazon EC2") {
        Some(CloudProvider::Aws)
    } else if starts(&dmi.product_name, "Google Compute Engine") {
        Some(CloudProvider::Google)
    } else {
        None
    }
}

/// The part of the answer that is kept. Names and ids of the tenant are not.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Compute {
    vm_size: Option<String>,
    location: Option<String>,
    publisher: Option<String>,
    offer: Option<String>,
    sku: Option<String>,
    security_profile: SecurityProfile,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SecurityProfile {
    secure_boot_enabled: Option<String>,
}

fn ask(base: &str) -> Observed<InstanceMetadata> {
    let step = "ask the instance metadata service";
    match fetch(base) {
        Err(error) => Observed::refused(step, 0, "no answer", error.to_string()),
        Ok(text) => match compute(&text) {
            Err(error) => Observed::refused(step, 0, "unreadable answer", error.to_string()),
            Ok(compute) => Observed::Seen(metadata(compute)),
        },
    }
}

/// An object, and no list of the same values: serde takes either for a structure.
fn compute(text: &str) -> serde_json::Result<Compute> {
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)?;
    serde_json::from_value(fields.into())
}

fn fetch(base: &str) -> Result<String, ureq::Error> {
    // A proxy must not be asked: the address means something on this host alone.
    let config = ureq::Agent::config_builder().timeout_global(Some(DEADLINE)).proxy(None).max_redirects(0);
    let agent = ureq::Agent::new_with_config(config.build());
    let mut answer = agent.get(format!("{base}{PATH}")).header("Metadata", "true").call()?;
    answer.body_mut().with_config().limit(LARGEST).read_to_string()
}

fn metadata(compute: Compute) -> InstanceMetadata {
    let text = |text: Option<String>| text.filter(|text| !text.is_empty());
    let image: Vec<String> =
        [compute.publisher, compute.offer, compute.sku].into_iter().filter_map(text).collect();
    InstanceMetadata {
        vm_size: text(compute.vm_size),
        location: text(compute.location),
        image: (!image.is_empty()).then(|| image.join(":")),
        secure_boot: compute.security_profile.secure_boot_enabled.and_then(|text| text.parse().ok()),
    }
}
