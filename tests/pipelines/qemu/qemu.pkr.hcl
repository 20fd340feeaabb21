# Packer's QEMU builder on the images of image.sh, without hardware virtualization: run.sh starts it.
# The gate's steps are those of packaging/packer/gate.pkr.hcl.

variable "directory" {
  type        = string
  description = "What image.sh made."
}

variable "image" {
  type    = string
  default = "good"
}

variable "gpucheck" {
  type    = string
  default = "/dev/null"
}

variable "output" {
  type    = string
  default = "output"
}

variable "reports" {
  type    = string
  default = "reports"
}

variable "qemu" {
  type    = string
  default = "qemu-system-x86_64"
}

source "qemu" "image" {
  qemu_binary      = var.qemu
  accelerator      = "tcg"
  headless         = true
  memory           = 1024
  cpus             = 2
  iso_url          = "${var.directory}/${var.image}.raw"
  iso_checksum     = "none"
  disk_image       = true
  format           = "raw"
  skip_resize_disk = true
  disk_interface   = "virtio"
  net_device       = "virtio-net"
  output_directory = var.output
  vm_name          = "image.raw"
  boot_wait        = "1s"
  qemuargs = [
    ["-kernel", "${var.directory}/vmlinuz"],
    ["-initrd", "${var.directory}/initrd.img"],
    ["-append", "root=/dev/vda rw console=ttyS0 quiet"],
    ["-serial", "file:${var.reports}.serial.log"],
  ]
  ssh_username         = "root"
  ssh_private_key_file = "${var.directory}/key"
  ssh_timeout          = "10m"
  shutdown_command     = "systemctl poweroff"
}

build {
  sources = ["source.qemu.image"]

  provisioner "shell-local" {
    inline = ["rm -rf '${var.reports}'", "mkdir -p '${var.reports}'"]
  }
  provisioner "shell" {
    inline = ["mkdir -p /tmp/gpucheck"]
  }
  provisioner "file" {
    source      = var.gpucheck
    destination = "/tmp/gpucheck/gpucheck"
  }
  provisioner "shell" {
    script           = "${path.root}/../../../packaging/packer/gate.sh"
    environment_vars = ["GPUCHECK_TARGETS=Standard_NC4as_T4_v3", "GPUCHECK_OPTIONS=--allow-unverified"]
  }
  provisioner "file" {
    direction   = "download"
    source      = "/tmp/gpucheck/reports.tar"
    destination = "${var.reports}/reports.tar"
  }
  provisioner "shell-local" {
    inline = [
      "tar -xf '${var.reports}/reports.tar' -C '${var.reports}'",
      "exit \"$(cat '${var.reports}/status')\"",
    ]
  }
}
