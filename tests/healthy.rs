//! Facts of a machine on which everything works: an Azure NC4as_T4_v3 with one Python. Tests break it.

use gpucheck_checks::fact::*;
use serde_json::json;

/// Where its one GPU sits.
pub(crate) const GPU: &str = "0001:00:00.0";

/// The facts.
pub(crate) fn facts() -> Facts {
    let mut facts = Facts::unprobed("0.1.0", "2026-11-23T09:00:00Z", "");
    facts.platform = Observed::Seen(platform());
    facts.pci = Observed::Seen(pci());
    facts.module = Observed::Seen(module());
    facts.nvml = Observed::Seen(nvml());
    facts.driver = Observed::Seen(driver());
    facts.compute = Observed::Seen(Compute {
        devices: vec![ComputeDevice {
            ordinal: 0,
            pci: Some(PciAddress::new(GPU)),
            vector_add: Observed::Seen(VectorAdd { elements: 65536, wrong: 0, first_wrong: None }),
        }],
    });
    facts.frameworks = Observed::Seen(Frameworks { pythons: vec![python()] });
    facts
}

#[expect(clippy::unnecessary_wraps, reason = "it is for the many fields that may be none")]
fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn seen(text: &str) -> Observed<String> {
    Observed::Seen(text.to_owned())
}

fn platform() -> Platform {
    Platform {
        os: Os { id: text("ubuntu"), version_id: text("22.04"), pretty_name: text("Ubuntu 22.04.5 LTS") },
        kernel_release: "6.8.0-1021-azure".to_owned(),
        kernel_version: text("Linux version 6.8.0-1021-azure (buildd@lcy02-amd64-051)"),
        architecture: "x86_64".to_owned(),
        hypervisor: text("microsoft"),
        container: None,
        wsl: false,
        dmi: Dmi {
            sys_vendor: text("Microsoft Corporation"),
            product_name: text("Virtual Machine"),
            bios_vendor: text("Microsoft Corporation"),
            chassis_asset_tag: text("7783-7084-3265-9085-8269-3286-77"),
        },
        cloud: Cloud {
            provider: Some(CloudProvider::Azure),
            metadata: Observed::Seen(InstanceMetadata {
                vm_size: text("Standard_NC4as_T4_v3"),
                location: text("westeurope"),
                image: text("canonical:0001-com-ubuntu-server-jammy:22_04-lts-gen2"),
                secure_boot: Some(false),
            }),
        },
        cpu: Observed::Seen(Cpu {
            model: "AMD EPYC 7V12".to_owned(),
            logical: 4,
            physical: Some(4),
            avx: Some(true),
        }),
        memory: Observed::Seen(RamAndSwap {
            total: 29 << 30,
            available: 27 << 30,
            swap_total: 0,
            swap_used: 0,
        }),
        disks: Observed::Seen(vec![Disk {
            mount_point: "/".to_owned(),
            file_system: "ext4".to_owned(),
            total: 64 << 30,
            available: 40 << 30,
        }]),
        user: User { uid: 1000, groups: vec![27, 1000] },
    }
}

fn pci() -> Pci {
    let t4 = PciFunction {
        address: PciAddress::new(GPU),
        vendor: 0x10de,
        device: 0x1eb8,
        subsystem: Some((0x10de, 0x12a2)),
        class: 0x0003_0200,
        driver: text("nvidia"),
        link_speed: text("8.0 GT/s PCIe"),
        link_speed_max: text("8.0 GT/s PCIe"),
        link_width: Some(16),
        link_width_max: Some(16),
        numa_node: Some(0),
        config: ConfigSpace::Answers,
    };
    Pci { functions: vec![t4], function_count: 4, unbound_vmbus_pci: Vec::new() }
}

fn module() -> Module {
    let loaded = |name: &str| LoadedModule { name: name.to_owned(), state: "Live".to_owned(), references: 1 };
    let node = |path: &str, major, minor| DeviceNode {
        path: path.to_owned(),
        node: Node::Character { major, minor },
        mode: 0o666,
        uid: 0,
        gid: 0,
        access: Access::Allowed,
    };
    let library = |soname: &str| {
        let path = format!("/usr/lib/x86_64-linux-gnu/{soname}");
        DriverFile {
            soname: soname.to_owned(),
            target: Observed::Seen(path.replace(".so.1", ".so.535.183.01")),
            path,
            version: text("535.183.01"),
            elf64: Some(true),
        }
    };
    Module {
        loaded: vec![loaded("nvidia"), loaded("nvidia_uvm")],
        version: text("535.183.01"),
        version_line: text(
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024",
        ),
        params: [("ModifyDeviceFiles".to_owned(), "1".to_owned())].into(),
        driver_gpus: vec![PciAddress::new(GPU)],
        kernels: vec![InstalledKernel {
            release: "6.8.0-1021-azure".to_owned(),
            running: true,
            nvidia: vec![ModuleFile {
                path: "/lib/modules/6.8.0-1021-azure/updates/dkms/nvidia.ko".to_owned(),
                signed: Some(true),
            }],
            nouveau: true,
            headers: true,
        }],
        dkms: vec![Dkms {
            name: "nvidia".to_owned(),
            version: "535.183.01".to_owned(),
            built_for: vec!["6.8.0-1021-azure".to_owned()],
            failed_log: None,
        }],
        secure_boot: SecureBoot::Off,
        lockdown: text("none"),
        nodes: vec![
            node("/dev/nvidia-uvm", 511, 0),
            node("/dev/nvidia0", 195, 0),
            node("/dev/nvidiactl", 195, 255),
        ],
        majors: [("nvidia-frontend".to_owned(), 195), ("nvidia-uvm".to_owned(), 511)].into(),
        nouveau_blacklisted_in: vec!["/etc/modprobe.d/nvidia.conf".to_owned()],
        libraries: vec![library("libcuda.so.1"), library("libnvidia-ml.so.1")],
        modprobe_setuid: true,
        reboot_required: false,
    }
}

fn nvml() -> Nvml {
    let mut nvml = Nvml::unasked("this sample leaves it out");
    nvml.library = seen("/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.535.183.01");
    nvml.init = Observed::Seen(());
    nvml.driver_version = seen("535.183.01");
    nvml.nvml_version = seen("12.535.183.01");
    nvml.cuda_version = Observed::Seen(12020);
    nvml.devices = Observed::Seen(vec![Observed::Seen(nvml_device())]);
    nvml
}

/// Its readings, and each that a T4 in a virtual machine does not have as NVML refuses it.
fn nvml_device() -> NvmlDevice {
    let refused =
        || json!({"failed": {"refused": {"step": "", "code": 3, "name": "NOT_SUPPORTED", "message": ""}}});
    let now = |value: u64| json!({ "seen": value });
    let device = json!({
        "index": 0, "pci": {"seen": GPU}, "pci_device_id": now(0x1eb8_10de), "name": {"seen": "Tesla T4"},
        "uuid": {"seen": "GPU-5a8e9c7d-1111-2222-3333-444455556666"}, "compute_capability": {"seen": [7, 5]},
        "vbios": {"seen": "90.04.A7.00.01"}, "gsp_firmware": refused(),
        "memory": {"seen": {"total": 16_106_127_360_u64, "free": 15_800_000_000_u64, "used": 306_127_360}},
        "bar1": {"seen": [268_435_456, 2_097_152]}, "persistence": {"seen": true}, "compute_mode": now(0),
        "performance_state": now(8),
        "clocks": {"sm": now(300), "sm_max": now(1590), "memory": now(405), "memory_max": now(5001)},
        "clock_event_reasons": now(1),
        "temperature": {"gpu": now(38), "slowdown": now(93), "shutdown": now(96)},
        "power": {"usage": now(9_800), "enforced_limit": now(70_000), "default_limit": now(70_000)},
        "ecc": {"mode": {"seen": [true, true]}, "volatile_corrected": now(0), "volatile_uncorrected": now(0),
                "aggregate_uncorrected": now(0)},
        "retired_pages": {"seen": {"single_bit": 0, "double_bit": 0, "pending": false}},
        "remapped_rows": refused(), "mig_mode": refused(), "mig_instances": refused(),
        "virtualization_mode": now(1), "grid_features": {"seen": [{"code": 4, "licensed": true}]},
        "link": {"generation": now(3), "generation_max": now(3), "width": now(16), "width_max": now(16),
                 "replays": now(0)},
        "memory_bus_width": now(256), "cores": now(2560), "utilization": {"seen": [0, 0]}, "fabric": refused(),
        "compute_processes": {"seen": [{"pid": 4242, "memory": 104_857_600, "name": "python3"}]},
        "graphics_processes": {"seen": []},
    });
    serde_json::from_value(device).unwrap()
}

fn driver() -> Driver {
    Driver {
        library: seen("/usr/lib/x86_64-linux-gnu/libcuda.so.535.183.01"),
        version: Observed::Seen(12020),
        init: Observed::Seen(()),
        devices: Observed::Seen(vec![CudaDevice {
            ordinal: 0,
            pci: Observed::Seen(PciAddress::new(GPU)),
            name: seen("Tesla T4"),
            compute_capability: Observed::Seen((7, 5)),
            memory: Observed::Seen(15_655_829_504),
            context: Observed::Seen(()),
        }]),
        visible_devices: None,
    }
}

fn python() -> Python {
    let path = "/home/student/tf/bin/python";
    Python {
        found_by: FoundBy::VirtualEnv,
        path: path.to_owned(),
        ran_as: None,
        interpreter: Observed::Seen(Interpreter {
            version: "3.11.7".to_owned(),
            implementation: "cpython".to_owned(),
            executable: path.to_owned(),
            prefix: "/home/student/tf".to_owned(),
            base_prefix: "/usr".to_owned(),
            free_threaded: false,
        }),
        tensorflow: Observed::Seen(Some(tensorflow())),
    }
}

fn tensorflow() -> TensorFlow {
    let description = format!("device: 0, name: Tesla T4, pci bus id: {GPU}, compute capability: 7.5");
    let device = |name: &str, kind: &str, description: &str| DeviceAttributes {
        name: name.to_owned(),
        device_type: kind.to_owned(),
        memory_limit: 14_474_280_960,
        incarnation: "12345678901234567890".to_owned(),
        bus_id: 1,
        numa_node: 0,
        links: Vec::new(),
        physical_device_desc: description.to_owned(),
        physical_device: PhysicalDevice::parse(description),
        xla_global_id: Some(416_903_419),
    };
    let listing = Listing {
        version: text("2.15.1"),
        devices: vec![device("/device:CPU:0", "CPU", ""), device("/device:GPU:0", "GPU", &description)],
        operations: vec![Operation {
            device: "/device:GPU:0".to_owned(),
            name: "matmul".to_owned(),
            correct: Observed::Seen(true),
        }],
    };
    TensorFlow {
        package: "/home/student/tf/lib/python3.11/site-packages/tensorflow".to_owned(),
        distributions: vec![Distribution { name: "tensorflow".to_owned(), version: "2.15.1".to_owned() }],
        build: Observed::Seen(TensorFlowBuild {
            is_cuda_build: Some(true),
            cuda_version: text("12.2"),
            cudnn_version: text("8"),
            compute_capabilities: ["sm_50", "sm_60", "sm_70", "sm_80", "compute_90"]
                .map(str::to_owned)
                .into(),
        }),
        unmet: Vec::new(),
        looks: vec![Look {
            way: Way::Full,
            carrier: Observed::Seen(Carrier::Memory),
            listing: Observed::Seen(listing),
            log: "I0000 Created device /device:GPU:0\n".to_owned(),
            elapsed_ms: 3100,
        }],
    }
}
