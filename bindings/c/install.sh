#!/bin/sh
# Installs the C library below PREFIX: header, shared and static library, pkg-config file.
#   sh bindings/c/install.sh PREFIX [FOLDER]
# FOLDER is where cargo put the library: target/release, unless it is said.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
prefix=${1:?usage: install.sh PREFIX [FOLDER]}
built=${2:-$root/target/release}
abi=1

version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml")
mkdir -p "$prefix/include" "$prefix/lib/pkgconfig"
prefix=$(cd "$prefix" && pwd)

cp "$root/mosaic-fleet-ffi/include/mosaic_fleet.h" "$prefix/include/"
cp "$built/libmosaic_fleet_ffi.a" "$prefix/lib/libmosaic_fleet.a"
if [ -e "$built/libmosaic_fleet_ffi.so" ]; then
  cp "$built/libmosaic_fleet_ffi.so" "$prefix/lib/libmosaic_fleet.so.$abi"
  ln -sf "libmosaic_fleet.so.$abi" "$prefix/lib/libmosaic_fleet.so"
  system="-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc"
else
  cp "$built/libmosaic_fleet_ffi.dylib" "$prefix/lib/libmosaic_fleet.$abi.dylib"
  ln -sf "libmosaic_fleet.$abi.dylib" "$prefix/lib/libmosaic_fleet.dylib"
  system="-lSystem -lc -lm"
fi
sed -e "s|@PREFIX@|$prefix|" -e "s|@VERSION@|$version|" -e "s|@SYSTEM@|$system|" \
  "$here/mosaic-fleet.pc.in" > "$prefix/lib/pkgconfig/mosaic-fleet.pc"
