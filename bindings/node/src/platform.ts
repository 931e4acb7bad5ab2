// Which package has the binaries for this platform.

/** The name of the package with this platform's binaries, whether it is installed or not. */
export function platformPackage(): string {
  const { platform, arch } = process;
  const libc = platform === 'linux' ? (isMusl() ? '-musl' : '-gnu') : '';
  return `@mosaicstack/fleet-${platform}-${arch}${libc}`;
}

function isMusl(): boolean {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  return report?.header?.glibcVersionRuntime === undefined;
}
