# Builds a template for a class with GPUs, and stops the build where the image is not good.
#
#   packer validate -var subscription_id=... packaging/packer
#   packer build -only=azure-arm.template -var subscription_id=... -var resource_group=... packaging/packer
#
# To try the gate first, on a machine that runs already and without building anything:
#
#   packer build -only=null.machine -var host=10.0.0.4 -var user=kim -var key=$HOME/.ssh/id_rsa packaging/packer
#
# Works with Packer 1.6.6 (Debian 12, Ubuntu 22.04) and newer. Packer 1.7 and newer have the builders for Azure and QEMU
# in plugins: `packer plugins install github.com/hashicorp/azure`.

# --- What the image is for -------------------------------------------------------------------------------------------

variable "targets" {
  type        = list(string)
  default     = ["Standard_NC4as_T4_v3"]
  description = "Sizes of Azure's, or GPUs, that the image is to work on."
}

variable "options" {
  type    = string
  default = ""
  # A builder without a GPU is cheaper, and nothing can be computed on it: gpucheck then ends with 3, "incomplete", and
  # the build stops. "--allow-unverified" lets such an image pass; the reports still list what was not tried.
  description = "More options for gpucheck bake: --allow-unverified, --strict."
}

# --- gpucheck ---------------------------------------------------------------------------------------------------------

variable "gpucheck" {
  type        = string
  default     = "/dev/null"
  description = "The gpucheck to upload, made by packaging/portable.sh. An empty file: the image brings its own."
}

variable "installed" {
  type        = string
  default     = "/usr/local/bin/gpucheck"
  description = "Where gpucheck lies in the image; students can run it there afterwards."
}

variable "reports" {
  type        = string
  default     = "reports"
  description = "Folder of this machine that gets the reports, of a good image and of a bad one."
}

variable "work" {
  type        = string
  default     = "/tmp/gpucheck"
  description = "Folder in the image for the upload and the reports; it is removed in the end."
}

variable "root" {
  type        = string
  default     = ""
  description = "Judge the image that is mounted in this folder instead of the machine that Packer is logged on to."
}

variable "as_root" {
  type        = string
  default     = "sudo -E"
  description = "What makes a command root's; \"env\" where Packer logs on as root."
}

# --- Where it is built ------------------------------------------------------------------------------------------------

variable "subscription_id" {
  type    = string
  default = ""
}

variable "resource_group" {
  type        = string
  default     = "class-images"
  description = "Resource group that gets the image; it has to be there."
}

variable "location" {
  type    = string
  default = "koreacentral"
}

variable "vm_size" {
  type    = string
  default = "Standard_NC4as_T4_v3"
  # The size that students get: then everything can be tried while the image is built.
  description = "Size of the machine that builds."
}

source "azure-arm" "template" {
  # `az login` first. In a pipeline: client_id and client_secret instead, from its secrets.
  use_azure_cli_auth = true
  subscription_id    = var.subscription_id
  location           = var.location
  vm_size            = var.vm_size

  os_type         = "Linux"
  image_publisher = "Canonical"
  image_offer     = "0001-com-ubuntu-server-jammy"
  image_sku       = "22_04-lts"

  managed_image_resource_group_name = var.resource_group
  managed_image_name                = "class-${formatdate("YYYYMMDD-hhmm", timestamp())}"
}

# --- ... or a machine that is there already ---------------------------------------------------------------------------

variable "host" {
  type    = string
  default = "127.0.0.1"
}

variable "port" {
  type    = number
  default = 22
}

variable "user" {
  type    = string
  default = "root"
}

variable "password" {
  type    = string
  default = "none"
  # Never empty: Packer checks this source also where only Azure's is built, and wants a way to log on.
}

variable "key" {
  type        = string
  default     = ""
  description = "File with the private key; Packer 1.6 wants an RSA key in PEM form (ssh-keygen -t rsa -m PEM)."
}

source "null" "machine" {
  ssh_host             = var.host
  ssh_port             = var.port
  ssh_username         = var.user
  ssh_password         = var.password
  ssh_private_key_file = var.key
}

build {
  sources = ["source.azure-arm.template", "source.null.machine"]

  # Your own steps come here: driver, Jupyter, conda environments, notebooks. If one of them installs a new Linux, let it
  # reboot before the gate (`expect_disconnect = true`, then `pause_before = "30s"` in the next one).

  # --- The gate: the five steps from here on --------------------------------------------------------------------------

  # 1. No report of an earlier build may pass for one of this build.
  provisioner "shell-local" {
    inline = ["rm -rf '${var.reports}'", "mkdir -p '${var.reports}'"]
  }
  provisioner "shell" {
    # A folder of our own: root runs what is uploaded to it, and /tmp is everybody's.
    inline = ["${var.as_root} rm -rf '${var.work}'", "mkdir -m 700 '${var.work}'"]
  }

  # 2. gpucheck itself, where the image does not bring it.
  provisioner "file" {
    source      = var.gpucheck
    destination = "${var.work}/gpucheck"
  }

  # 3. Judge. This step never fails; see gate.sh.
  provisioner "shell" {
    script          = "${path.root}/gate.sh"
    execute_command = "{{ .Vars }} ${var.as_root} sh '{{ .Path }}'"
    environment_vars = [
      "GPUCHECK_WORK=${var.work}",
      "GPUCHECK=${var.installed}",
      "GPUCHECK_TARGETS=${join(" ", var.targets)}",
      "GPUCHECK_OPTIONS=${var.options}",
      "GPUCHECK_ROOT=${var.root}",
    ]
  }

  # 4. Fetch the reports: gpucheck.xml (JUnit), gpucheck.json, gpucheck.html, and gpucheck's exit status. In one file:
  #    where a downloaded folder ends up differs from one version of Packer to the next.
  provisioner "file" {
    direction   = "download"
    source      = "${var.work}/reports.tar"
    destination = "${var.reports}/reports.tar"
  }

  # 5. End the build by that status. Only now: Packer removes the machine as soon as a step fails.
  provisioner "shell-local" {
    inline = [
      "tar -xf '${var.reports}/reports.tar' -C '${var.reports}'",
      "status=$(cat '${var.reports}/status')",
      "[ \"$status\" = 0 ] || echo \"gpucheck: this image is not good (exit status $status). Its reports: ${var.reports}\" >&2",
      "exit \"$status\"",
    ]
  }

  provisioner "shell" {
    inline = ["${var.as_root} rm -rf '${var.work}'"]
  }

  # Azure's own last step: makes the machine an image, without its users, keys and history.
  provisioner "shell" {
    only            = ["azure-arm.template"]
    execute_command = "{{ .Vars }} sudo -E sh '{{ .Path }}'"
    inline          = ["/usr/sbin/waagent -force -deprovision+user && export HISTSIZE=0 && sync"]
  }
}
