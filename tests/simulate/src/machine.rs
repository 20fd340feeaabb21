//! A simulated machine: its file, laid over those of the machines that it stands on, with every name checked.

mod checked;

use crate::{
    card::{self, Card},
    error::{Error, Place},
    expect::{Expected, HOST},
    file::{self, Config, Driver, File, Function, Gpu, Host, Node, Process, Question},
};
use checked::{check_addresses, check_driver, check_host, check_paths, resolve_fault};
use gpucheck_sim::scenario::{self as sim, Memory};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Machines on machines on machines: more than this is a circle.
const DEEPEST: usize = 12;

/// A machine, ready to be built.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its name: that of its folder.
    pub name: String,
    /// What it is.
    pub about: String,
    /// The question that gpucheck is asked.
    pub profile: Question,
    /// What it is an image for.
    pub targets: Vec<String>,
    /// The host.
    pub host: Host,
    /// The driver.
    pub driver: Driver,
    /// The GPUs, by address.
    pub gpus: Vec<Slot>,
    /// Other functions on the bus.
    pub functions: Vec<Function>,
    /// Processes that run.
    pub processes: Vec<Process>,
    /// What goes wrong.
    pub faults: Vec<sim::Fault>,
    /// What the kernel wrote besides the usual.
    pub kernel_log: Option<String>,
    /// Variables that gpucheck is started with.
    pub environment: BTreeMap<String, String>,
    /// Files over what is derived.
    pub files: BTreeMap<String, String>,
    /// Links over what is derived.
    pub links: BTreeMap<String, String>,
    /// Device nodes over what is derived.
    pub nodes: BTreeMap<String, Node>,
    /// Paths that are not there.
    pub remove: Vec<String>,
    /// Folders whose files are laid over everything, in this order.
    pub overlays: Vec<PathBuf>,
    /// What gpucheck has to say.
    pub expected: Expected,
}

/// A slot with its card.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Where it sits.
    pub at: String,
    /// Its model.
    pub card: Card,
    /// Its name.
    pub name: String,
    /// The kernel's driver that is bound to it, where the machine's file says so.
    pub driver: Option<String>,
    /// What its config space says.
    pub config: Config,
    /// Memory, in bytes.
    pub memory: Memory,
    /// NVML counts it.
    pub in_nvml: bool,
    /// CUDA counts it.
    pub in_cuda: bool,
    /// NVML's readings.
    pub nvml: sim::Nvml,
    /// Multi-instance GPU.
    pub mig: Option<sim::Mig>,
    /// Processes.
    pub processes: Vec<sim::Process>,
    /// Device attributes of CUDA.
    pub attributes: BTreeMap<i32, i32>,
    /// How fast it is.
    pub speed: sim::Speed,
    /// Bits of its memory that do not change.
    pub bad_memory: Vec<sim::BadBit>,
    /// Xids that NVML's events tell.
    pub xid_events: Vec<u64>,
}

/// A file with its text, for messages.
struct Source {
    file: File,
    text: String,
    path: PathBuf,
}

impl Machine {
    /// The machine of this name in a folder of machines.
    ///
    /// # Errors
    /// A file that is not there, does not parse or names what is unknown.
    pub fn load(machines: &Path, name: &str) -> Result<Self, Error> {
        let sources = sources(machines, name)?;
        let Some(own) = sources.last() else { return Err(Error::of(name, "no file")) };
        let mut machine = Self {
            name: name.to_owned(),
            about: own.file.about.clone(),
            profile: Question::default(),
            targets: Vec::new(),
            host: Host::default(),
            driver: Driver::default(),
            gpus: Vec::new(),
            functions: Vec::new(),
            processes: Vec::new(),
            faults: Vec::new(),
            kernel_log: None,
            environment: BTreeMap::new(),
            files: BTreeMap::new(),
            links: BTreeMap::new(),
            nodes: BTreeMap::new(),
            remove: Vec::new(),
            overlays: Vec::new(),
            expected: own.file.expect.resolve(&own.place())?,
        };
        for source in &sources {
            machine.lay(machines, source)?;
        }
        machine.gpus.sort_by(|a, b| a.at.cmp(&b.at));
        machine.check_subjects(&own.place())?;
        Ok(machine)
    }

    /// Lays a file over what there is.
    fn lay(&mut self, machines: &Path, source: &Source) -> Result<(), Error> {
        let place = source.place();
        let File {
            host,
            driver,
            gpu,
            pci,
            process,
            fault,
            log,
            environment,
            files,
            links,
            nodes,
            remove,
            profile,
            targets,
            ..
        } = source.file.clone();
        check_host(&place, &host)?;
        check_driver(&place, &driver)?;
        check_paths(&place, files.keys().chain(links.keys()).chain(nodes.keys()).chain(&remove))?;
        check_paths(&place, driver.copies.iter().flatten().map(|(path, _)| path))?;
        check_addresses(&place, &gpu, &pci)?;
        self.host = host.over(std::mem::take(&mut self.host));
        self.driver = driver.over(std::mem::take(&mut self.driver));
        for gpu in &gpu {
            self.lay_gpu(machines, &place, gpu)?;
        }
        for fault in &fault {
            self.faults.push(resolve_fault(&place, fault, self.gpus.len())?);
        }
        self.profile = profile.unwrap_or(self.profile);
        self.targets = targets.unwrap_or(std::mem::take(&mut self.targets));
        self.functions.extend(pci);
        self.processes.extend(process);
        self.kernel_log = log.kernel.or(self.kernel_log.take());
        self.environment.extend(environment);
        self.files.extend(files);
        self.links.extend(links);
        self.nodes.extend(nodes);
        self.remove.extend(remove);
        let overlay = source.path.with_file_name("root");
        self.overlays.extend(overlay.is_dir().then_some(overlay));
        Ok(())
    }

    /// A report names the host, a function on the bus, a notebook kernel or a Python.
    fn check_subjects(&self, place: &Place<'_>) -> Result<(), Error> {
        let gpus = self.gpus.iter().map(|gpu| gpu.at.as_str());
        let functions = self.functions.iter().map(|function| function.at.as_str());
        let kernels =
            self.files.keys().filter_map(|path| path.strip_suffix("/kernel.json")?.rsplit('/').next());
        let known: Vec<&str> = gpus.chain(functions).chain(kernels).chain([HOST]).collect();
        let subjects = self.expected.roots.iter().map(|root| root.subject.as_str());
        match subjects.filter(|subject| !subject.starts_with('/')).find(|subject| !known.contains(subject)) {
            Some(subject) => Err(Error::unknown(place, place.offset_of(subject), "subject", subject, known)),
            None => Ok(()),
        }
    }

    fn lay_gpu(&mut self, machines: &Path, place: &Place<'_>, gpu: &Gpu) -> Result<(), Error> {
        let wrong = |what: String| Error::at(place, gpu.at.span().start, what);
        let at = gpu.at.get_ref();
        let known = self.gpus.iter().position(|known| known.at == *at);
        let base = match (&gpu.card, known) {
            (Some(name), _) => fresh(at, card::load(machines, place, name)?),
            (None, Some(index)) => self.gpus.remove(index),
            (None, None) => return Err(wrong(format!("say which card sits at {at}: card = \"...\""))),
        };
        if gpu.card.is_some() {
            self.gpus.retain(|known| known.at != *at);
        }
        self.gpus.push(base.changed(gpu).map_err(wrong)?);
        Ok(())
    }
}

impl Source {
    fn place(&self) -> Place<'_> {
        Place { path: &self.path, text: &self.text }
    }
}

/// The files of a machine: first the one that stands on none.
fn sources(machines: &Path, name: &str) -> Result<Vec<Source>, Error> {
    let mut sources = vec![source(machines, name)?];
    loop {
        let Some(first) = sources.first() else { return Ok(sources) };
        let Some(on) = &first.file.on else { return Ok(sources) };
        let known = crate::names(machines, crate::Kind::Simulated);
        if !known.contains(on.get_ref()) {
            let known = known.iter().map(String::as_str);
            let place = first.place();
            return Err(Error::unknown(&place, on.span().start, "machine", on.get_ref(), known));
        }
        if sources.len() == DEEPEST {
            return Err(Error::at(&first.place(), on.span().start, "machines that stand on each other"));
        }
        sources.insert(0, source(machines, on.get_ref())?);
    }
}

fn source(machines: &Path, name: &str) -> Result<Source, Error> {
    let path = machines.join(name).join(file::NAME);
    if !path.is_file() {
        let known = crate::names(machines, crate::Kind::Simulated);
        let near = crate::error::did_you_mean(name, known.iter().map(String::as_str));
        return Err(Error::of(name, format!("there is no {}{near}", path.display())));
    }
    let (file, text) = file::read(&path)?;
    Ok(Source { file, text, path })
}

/// A card as it comes.
fn fresh(at: &str, card: Card) -> Slot {
    Slot {
        at: at.to_owned(),
        name: card.name.clone(),
        driver: None,
        config: Config::Answers,
        memory: card.memory,
        in_nvml: true,
        in_cuda: true,
        nvml: card.nvml.clone(),
        mig: card.mig.clone(),
        processes: Vec::new(),
        attributes: BTreeMap::new(),
        speed: sim::Speed::default(),
        bad_memory: Vec::new(),
        xid_events: Vec::new(),
        card,
    }
}

impl Slot {
    /// The same with what a machine's file says of it.
    fn changed(self, gpu: &Gpu) -> Result<Self, String> {
        let mut attributes = self.attributes;
        for (number, value) in gpu.attributes.iter().flatten() {
            let number =
                number.parse().map_err(|_| format!("attribute {number:?} is no number of cuda.h"))?;
            attributes.insert(number, *value);
        }
        Ok(Self {
            driver: gpu.driver.clone().or(self.driver),
            config: gpu.config.unwrap_or(self.config),
            name: gpu.name.clone().unwrap_or(self.name),
            memory: gpu.memory.unwrap_or(self.memory),
            in_nvml: gpu.in_nvml.unwrap_or(self.in_nvml),
            in_cuda: gpu.in_cuda.unwrap_or(self.in_cuda),
            nvml: merged(&self.nvml, &gpu.nvml).map_err(|error| error.to_string())?,
            mig: gpu.mig.clone().or(self.mig),
            processes: gpu.processes.clone().unwrap_or(self.processes),
            attributes,
            speed: merged(&self.speed, &gpu.speed).map_err(|error| error.to_string())?,
            bad_memory: gpu.bad_memory.clone().unwrap_or(self.bad_memory),
            xid_events: gpu.xid_events.clone().unwrap_or(self.xid_events),
            ..self
        })
    }
}

/// One structure laid over another, field by field.
fn merged<T: Serialize + DeserializeOwned>(under: &T, over: &T) -> serde_json::Result<T> {
    let mut value = serde_json::to_value(under)?;
    merge(&mut value, serde_json::to_value(over)?);
    serde_json::from_value(value)
}

fn merge(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over))
            if !under.contains_key("error") && !over.contains_key("error") =>
        {
            for (key, value) in over {
                match under.get_mut(&key) {
                    Some(known) => merge(known, value),
                    None => _ = under.insert(key, value),
                }
            }
        }
        (under, over) => *under = over,
    }
}

macro_rules! over {
    ($type:ident: $($field:ident),+) => {
        impl $type {
            /// This, and where it says nothing, the other.
            fn over(self, under: Self) -> Self {
                Self { $($field: self.$field.or(under.$field)),+ }
            }
        }
    };
}

over!(Host: os, linux, installed, packages, held, place, container, size, user, secure_boot, deadline_ms);
over!(
    Driver: version, kind, installed, packaged, built_for, loaded, libraries, lacks, copies, node_mode, node_group,
    nodes, modprobe, blacklists_nouveau
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_that_is_refused_replaces_one_that_is_told_and_the_other_way_round() {
        let told: sim::Nvml =
            serde_json::from_str(r#"{"retired_pages":{"single_bit":1},"temperature":40}"#).unwrap();
        let refused: sim::Nvml = serde_json::from_str(r#"{"retired_pages":{"error":3}}"#).unwrap();
        let both = merged(&told, &refused).unwrap();
        assert_eq!(both.retired_pages, Some(sim::Reading::Refused { error: 3 }));
        assert_eq!(both.temperature, Some(sim::Reading::Told(40)));
        assert_eq!(merged(&refused, &told).unwrap().retired_pages, told.retired_pages);
    }

    #[test]
    fn a_gpu_is_as_slow_and_as_broken_as_its_file_says() {
        let machines = Path::new(env!("CARGO_MANIFEST_DIR")).join("../machines");
        let card = file::read(&machines.join("cards/t4.toml")).unwrap().0;
        let gpu = |text: &str| toml::from_str::<Gpu>(&format!("at = \"0001:00:00.0\"\n{text}")).unwrap();
        let slot = fresh("0001:00:00.0", card);
        assert_eq!((slot.speed, slot.bad_memory.len()), (sim::Speed::default(), 0));
        let first = gpu("speed.memory_gbs = 40\nbad_memory = [{ offset = 0x100, bit = 3, stuck = 1 }]");
        let second =
            gpu("speed.upload_gbs = 1.5\nxid_events = [79]\nprocesses = [{ pid = 4242, activity = 93 }]");
        let slot = slot.changed(&first).unwrap().changed(&second).unwrap();
        assert_eq!((slot.speed.memory_gbs, slot.speed.upload_gbs), (Some(40.0), Some(1.5)));
        assert_eq!(slot.bad_memory, [sim::BadBit { offset: 0x100, bit: 3, stuck: 1 }]);
        assert_eq!((slot.xid_events, slot.processes[0].activity), (vec![79], Some(93)));
    }
}
