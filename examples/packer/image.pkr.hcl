# Builds an image, checks it, and installs it on a dedicated server, which ERASES that server. See README.md.

variable "base_image" {
  type        = string
  description = "The disk image to begin with."
}

variable "name" {
  type        = string
  default     = "debian-12.qcow2"
  description = "The built image's file name; its suffix tells its format."
}

variable "output_directory" {
  type    = string
  default = "output"
}

locals {
  image = "${var.output_directory}/${var.name}"
}

# Copies the base image as it is.
source "file" "image" {
  source = var.base_image
  target = local.image
}

# Boots a copy of the base image under UEFI, for the provisioners below.
source "qemu" "image" {
  iso_url              = var.base_image
  iso_checksum         = "none"
  disk_image           = true
  skip_resize_disk     = true
  output_directory     = var.output_directory
  vm_name              = var.name
  format               = "qcow2"
  memory               = 2048
  headless             = true
  qemuargs             = [["-bios", "/usr/share/ovmf/OVMF.fd"]]
  cd_label             = "config-2"
  cd_files             = ["seed/openstack"]
  ssh_username         = "root"
  ssh_private_key_file = "seed/id_ed25519"
  ssh_timeout          = "10m"
  shutdown_command     = "poweroff"
}

build {
  sources = ["source.file.image"] # or "source.qemu.image"

  provisioner "shell" {
    only = ["qemu.image"]
    inline = [
      "cloud-init status --wait",
      # What your servers need goes here; the rest removes what no two servers may share.
      "cloud-init clean --logs",
      "rm -f /etc/ssh/ssh_host_* /root/.ssh/authorized_keys",
      "truncate --size 0 /etc/machine-id",
    ]
  }

  post-processors {
    post-processor "manifest" {
      output = "${var.output_directory}/packer-manifest.json"
    }
    # byoi-tools reads settings and credentials (BYOI_*, AWS_*, OVH_*) from the environment that Packer runs in.
    post-processor "shell-local" {
      environment_vars = ["IMAGE=${local.image}"]
      inline = [
        "set -eu",
        "byoi-tools check \"$IMAGE\" --boot uefi",
        "byoi-tools publish-and-deploy \"$IMAGE\" --boot uefi",
      ]
    }
  }
}
