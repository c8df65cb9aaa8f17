# The verbs of build.sh for PowerShell: .\build.ps1 help. On macOS and Linux it hands over to build.sh;
# on Windows it does the same steps itself.
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2

# Windows PowerShell 5.1 has no $IsWindows, and runs nowhere else.
$onWindows = $PSVersionTable.PSVersion.Major -lt 6 -or $IsWindows
if (-not $onWindows) {
  & (Join-Path $PSScriptRoot 'build.sh') @args
  exit $LASTEXITCODE
}

$root = $PSScriptRoot
$caller = (Get-Location).ProviderPath
$artifacts = Join-Path $root 'artifacts'
$work = Join-Path $artifacts 'build'
$binary = Join-Path $artifacts 'agentq.exe'
$server = Join-Path $artifacts 'agentq-server.exe'
$env:DOTNET_NOLOGO = '1'
$env:DOTNET_CLI_TELEMETRY_OPTOUT = '1'

# A sentence for a person, and the end; caught at the bottom of this file.
class Refusal : System.Exception {
  [int] $Code
  Refusal([string] $message, [int] $code) : base($message) { $this.Code = $code }
}

function Deny([string] $message, [int] $code = 1) {
  throw [Refusal]::new($message, $code)
}

function Show-Help {
  @'
.\build.ps1             build and publish artifacts\agentq.exe and artifacts\agentq-server.exe
.\build.ps1 demo        show it at work, in a temporary folder (needs bash, as Git for Windows has it)
.\build.ps1 test        everything CI runs; --fast stops after the fast tests
.\build.ps1 agents      install the agents that the tests drive (build.sh only)
.\build.ps1 mutants     break the code in small ways and count what the tests notice (build.sh only)
.\build.ps1 bench       measure it and print the table (Linux only)
.\build.ps1 install     put it into ~\.local\bin; --prefix DIR for DIR\bin
.\build.ps1 uninstall   take it away again; --prefix DIR as above
.\build.ps1 pack        make the .NET tool package in artifacts\
.\build.ps1 package     make the .zip in artifacts\
.\build.ps1 format      format the sources
.\build.ps1 clean       remove artifacts\
.\build.ps1 help        this list
'@
}

function Assert-Sdk {
  if (-not (Get-Command dotnet -ErrorAction SilentlyContinue)) {
    Deny "there is no 'dotnet' here: install the .NET SDK 10.0 (winget install Microsoft.DotNet.SDK.10) and try again."
  }
  if (-not (@(& dotnet --list-sdks) -match '^10\.')) {
    Deny "this needs the .NET SDK 10.0, and 'dotnet --list-sdks' has none: install it (winget install Microsoft.DotNet.SDK.10) and try again."
  }
}

# Runs dotnet; returns what it printed and its exit code. Windows PowerShell turns stderr lines into errors,
# which must not end the script.
function Invoke-Dotnet([string[]] $arguments) {
  $before = $ErrorActionPreference
  $ErrorActionPreference = 'Continue'
  try {
    $lines = @(& dotnet @arguments 2>&1 | ForEach-Object { "$_" })
    return [pscustomobject]@{ Code = $LASTEXITCODE; Lines = $lines }
  }
  finally {
    $ErrorActionPreference = $before
  }
}

# Says what is done and how long it took; what dotnet prints is shown only if it fails.
function Invoke-Quietly([string] $what, [string[]] $arguments) {
  $clock = [System.Diagnostics.Stopwatch]::StartNew()
  $result = Invoke-Dotnet $arguments
  if ($result.Code -ne 0) {
    $result.Lines | Out-Host
    Deny "${what}: FAILED"
  }
  Write-Host "$what ($([int] $clock.Elapsed.TotalSeconds) s)"
}

function Get-Rid {
  $machine = $env:PROCESSOR_ARCHITECTURE
  if ($env:PROCESSOR_ARCHITEW6432) { $machine = $env:PROCESSOR_ARCHITEW6432 }
  switch ($machine) {
    'AMD64' { 'win-x64' }
    'ARM64' { 'win-arm64' }
    default { Deny "$machine is not a processor that .NET compiles native code for here." }
  }
}

# Native code is linked by Visual Studio's C++ tools, which vswhere finds.
function Test-Linker {
  $vswhere = Join-Path ${env:ProgramFiles(x86)} 'Microsoft Visual Studio\Installer\vswhere.exe'
  if (-not (Test-Path $vswhere)) { return $false }
  $component = 'Microsoft.VisualStudio.Component.VC.Tools.x86.x64'
  if ((Get-Rid) -eq 'win-arm64') { $component = 'Microsoft.VisualStudio.Component.VC.Tools.ARM64' }
  $found = & $vswhere -latest -prerelease -products '*' -requires $component -property installationPath
  return [bool] $found
}

# The best executable that can be made here: net10.0 or net9.0 (native code compiled from that framework), else
# self-contained. Asking costs seconds, so the answer is kept until SDK or linker change.
function Get-Kind([string] $rid) {
  $linker = Test-Linker
  $key = "$(& dotnet --version) $rid $linker"
  $note = Join-Path $work 'native-kind'
  if (Test-Path $note) {
    $kept = @(Get-Content $note)
    if ($kept.Count -ge 2 -and $kept[1] -eq $key) { return $kept[0] }
  }

  $kind = 'self-contained'
  if (-not $linker) {
    Write-Host "No C++ linker here: install Visual Studio's 'Desktop development with C++' for native code. Falling back to a self-contained file."
  }
  else {
    foreach ($candidate in 'net10.0', 'net9.0') {
      $result = Invoke-Dotnet @('restore', 'src/AgentQueue.Cli', '-r', $rid, "-p:Native=$candidate", '-v', 'quiet')
      if ($result.Code -eq 0) {
        $kind = $candidate
        break
      }
      Write-Host "The native compiler for $candidate cannot be restored here; trying the next kind."
    }
  }
  New-Item -ItemType Directory -Force $work | Out-Null
  Set-Content -Path $note -Value @($kind, $key)
  return $kind
}

function Test-UpToDate {
  if (-not (Test-Path $binary)) { return $false }
  $made = (Get-Item $binary).LastWriteTimeUtc
  # Folders count too, for a file that was deleted.
  $sources = @(Get-Item src, Directory.Build.props, Directory.Packages.props, global.json)
  $sources += @(Get-ChildItem src -Recurse)
  return -not ($sources | Where-Object { $_.LastWriteTimeUtc -gt $made })
}

# The commit that stands here, -dirty if the tree is not as it was committed. Nothing without git, and nothing
# where the sources were unpacked inside a checkout of something else.
function Get-Commit {
  if (-not (Get-Command git -ErrorAction SilentlyContinue)) { return '' }
  $before = $ErrorActionPreference
  $ErrorActionPreference = 'Continue'
  try {
    $name = "$(& git rev-parse --short=7 HEAD 2>$null)"
    if ($LASTEXITCODE -ne 0) { return '' }
    if ("$(& git rev-parse --show-prefix 2>$null)") { return '' }
    if ("$(& git --no-optional-locks status --porcelain 2>$null)") { $name += '-dirty' }
    return $name
  }
  finally {
    $ErrorActionPreference = $before
  }
}

# When it is built, as `agentq --version` says it.
function Get-BuildTime {
  $time = [DateTime]::UtcNow
  if ($env:SOURCE_DATE_EPOCH) {
    if ($env:SOURCE_DATE_EPOCH -notmatch '^[0-9]+$') {
      Deny "SOURCE_DATE_EPOCH is '$env:SOURCE_DATE_EPOCH', not a number of seconds." 2
    }
    $time = [DateTimeOffset]::FromUnixTimeSeconds([long] $env:SOURCE_DATE_EPOCH).UtcDateTime
  }
  return $time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", [System.Globalization.CultureInfo]::InvariantCulture)
}

function Publish-Binary([switch] $Anew) {
  if (-not $Anew -and (Test-UpToDate)) {
    Write-Host 'artifacts\agentq.exe is up to date'
    return
  }

  # The time is taken before: a source saved during the publish is newer than the result.
  $begin = [DateTime]::UtcNow
  $rid = Get-Rid
  $kind = Get-Kind $rid
  if ($kind -eq 'self-contained') {
    $option = '-p:Variant=self-contained'
    $words = 'self-contained file (ReadyToRun, starts slower)'
  }
  else {
    $option = "-p:Native=$kind"
    $words = "native executable (AOT, $kind)"
  }
  # agentq last: its time is what says that both are up to date.
  foreach ($one in @('src/AgentQueue.Server', $server), @('src/AgentQueue.Cli', $binary)) {
    $file = Split-Path -Leaf $one[1]
    $folder = Join-Path $work "publish\$($file -replace '\.exe$')"
    if (Test-Path $folder) { Remove-Item -Recurse -Force $folder }
    Invoke-Quietly "publish $file as a $words" @(
      'publish', $one[0], '-c', 'Release', '-r', $rid, $option,
      "-p:Commit=$(Get-Commit)", "-p:Built=$(Get-BuildTime)", '-o', $folder, '-v', 'quiet')
    Copy-Item -Force (Join-Path $folder $file) $one[1]
    (Get-Item $one[1]).LastWriteTimeUtc = $begin
  }
}

# --- test ---------------------------------------------------------------------------------------------------

$script:passed = 0
$script:failed = 0
$script:skipped = 0

# Runs the tests that are built, and adds up what their report says.
function Invoke-Tests([string] $what, [string] $project) {
  $report = Join-Path $work "$what-tests.trx"
  if (Test-Path $report) { Remove-Item -Force $report }
  $problem = $null
  try {
    Invoke-Quietly "$what tests" @(
      'test', $project, '--no-build', '-v', 'quiet',
      '--logger', "trx;LogFileName=$report", '--logger', 'console;verbosity=normal')
  }
  catch [Refusal] {
    $problem = $_.Exception
  }
  if (Test-Path $report) {
    $counters = ([xml] (Get-Content -Raw -Encoding UTF8 $report)).TestRun.ResultSummary.Counters
    # The report has no count of skipped tests; they are those that were not executed.
    $ok = [int] $counters.passed
    $bad = [int] $counters.executed - $ok
    $left = [int] $counters.total - [int] $counters.executed
    $script:passed += $ok
    $script:failed += $bad
    $script:skipped += $left
    Write-Host "  $ok passed, $bad failed, $left skipped"
  }
  if ($problem) { throw $problem }
}

function Invoke-AllTests([string[]] $arguments) {
  $fast = $false
  if ($arguments.Count -gt 0) {
    if ($arguments[0] -ne '--fast') { Deny "'test' knows --fast, not '$($arguments[0])'." 2 }
    $fast = $true
  }

  try {
    Assert-Sdk
    Invoke-Quietly 'restore the tools' @('tool', 'restore')
    Invoke-Quietly 'check the format (.\build.ps1 format mends it)' @('csharpier', 'check', '.')
    Invoke-Quietly 'build, warnings are errors' @('build', 'AgentQueue.sln', '-v', 'quiet', '-p:RestoreLockedMode=true')
    Invoke-Tests 'fast' 'tests/AgentQueue.Tests'
    if (-not $fast) {
      Publish-Binary
      $env:AGENTQ_BINARY = $binary
      Invoke-Tests 'end-to-end' 'tests/AgentQueue.EndToEnd'
      # The ordinary build has looked for what Native AOT cannot do; asking again here, or making something
      # that starts, would need the runtimes.
      foreach ($rid in 'linux-x64', 'osx-arm64') {
        Invoke-Quietly "compile for $rid" @(
          'build', 'src/AgentQueue.Cli', '-r', $rid, "-p:Variant=$rid", '-p:IsAotCompatible=false',
          '-p:UseAppHost=false', '-v', 'quiet')
      }
      Write-Host "size of artifacts\agentq.exe: $([int] ((Get-Item $binary).Length / 1024)) KiB"
    }
  }
  catch {
    # A step that failed without a test counts as one failure.
    if ($script:failed -eq 0) { $script:failed = 1 }
    throw
  }
}

# --- the other verbs ----------------------------------------------------------------------------------------

function Invoke-Demo {
  Assert-Sdk
  Publish-Binary
  $bash = Get-Command bash -ErrorAction SilentlyContinue
  if (-not $bash) { Deny 'the demo is a shell script and there is no bash here: Git for Windows brings one.' }
  & $bash.Source docs/demo.sh ($binary -replace '\\', '/')
  if ($LASTEXITCODE -ne 0) { Deny 'the demo did not go as told.' $LASTEXITCODE }
}

function Get-Prefix([string[]] $arguments) {
  $prefix = Join-Path $HOME '.local'
  for ($i = 0; $i -lt $arguments.Count; $i++) {
    if ($arguments[$i] -eq '--prefix') {
      $i++
      if ($i -ge $arguments.Count) { Deny '--prefix needs a folder.' 2 }
      $prefix = $arguments[$i]
    }
    elseif ($arguments[$i] -like '--prefix=?*') {
      $prefix = $arguments[$i].Substring('--prefix='.Length)
    }
    else {
      Deny "'$($arguments[$i])' is not an option of install or uninstall; they know --prefix DIR." 2
    }
  }
  # The caller's folder is where a relative prefix starts.
  if (-not [System.IO.Path]::IsPathRooted($prefix)) { $prefix = Join-Path $caller $prefix }
  return $prefix
}

function Install-Binary([string[]] $arguments) {
  $bin = Join-Path (Get-Prefix $arguments) 'bin'
  Assert-Sdk
  Publish-Binary
  New-Item -ItemType Directory -Force $bin | Out-Null
  Copy-Item -Force $binary, $server $bin
  Write-Host "installed $bin\agentq.exe; '.\build.ps1 uninstall' with the same --prefix takes it away again"
  if (-not (($env:PATH -split ';') -contains $bin)) {
    Write-Host "$bin is not on your PATH: add it in Settings, 'Edit environment variables for your account'"
  }
}

function Uninstall-Binary([string[]] $arguments) {
  foreach ($name in 'agentq.exe', 'agentq-server.exe') {
    $file = Join-Path (Get-Prefix $arguments) "bin\$name"
    if (Test-Path $file) {
      Remove-Item -Force $file
      Write-Host "removed $file"
    }
    else {
      Write-Host "there is no $file"
    }
  }
}

function New-Package {
  Assert-Sdk
  Invoke-Quietly 'pack the .NET tool' @(
    'pack', 'src/AgentQueue.Cli', '-c', 'Release', "-p:Commit=$(Get-Commit)", "-p:Built=$(Get-BuildTime)",
    '-o', $artifacts, '-v', 'quiet')
  Write-Host "artifacts\: $((Get-ChildItem (Join-Path $artifacts 'agentq.*.nupkg')).Name)"
  Write-Host "install it with: dotnet tool install --global agentq --source $artifacts"
}

# A zip with the executable, the documents and the completion scripts; sorted, and as old as the build.
function New-Archive {
  Assert-Sdk
  Publish-Binary
  $commit = Get-Commit
  if (-not $commit) { $commit = 'unknown' }
  $time = '2'
  if ($env:SOURCE_DATE_EPOCH) { $time = Get-BuildTime }
  if (-not "$(& $binary --version)".Contains("(commit $commit, built $time")) { Publish-Binary -Anew }

  $facts = & $binary --version --json | Out-String | ConvertFrom-Json
  $name = "agentq-$($facts.agentq)-$(Get-Rid)"
  # Some PowerShells read a time as a text, others as a time.
  $built = ([DateTimeOffset] $facts.built).ToUniversalTime()
  if ($built.Year -lt 1980) { $built = [DateTimeOffset]::new(1980, 1, 1, 0, 0, 0, [TimeSpan]::Zero) }

  $stage = Join-Path $work 'package'
  if (Test-Path $stage) { Remove-Item -Recurse -Force $stage }
  $tree = Join-Path $stage $name
  foreach ($folder in 'completions', 'docs\adr', 'examples') {
    New-Item -ItemType Directory -Force (Join-Path $tree $folder) | Out-Null
  }
  Copy-Item $binary, $server, README.md, CHANGELOG.md, LICENSE $tree
  Copy-Item docs\*.md, docs\*.json, docs\*.svg (Join-Path $tree 'docs')
  Copy-Item docs\adr\*.md (Join-Path $tree 'docs\adr')
  Copy-Item examples\*.yaml (Join-Path $tree 'examples')
  foreach ($script in @('bash', 'agentq.bash'), @('zsh', '_agentq'), @('fish', 'agentq.fish'), @('pwsh', 'agentq.ps1')) {
    $text = ((& $binary completion $script[0]) -join "`n") + "`n"
    [System.IO.File]::WriteAllText((Join-Path $tree "completions\$($script[1])"), $text)
  }

  Add-Type -AssemblyName System.IO.Compression
  Add-Type -AssemblyName System.IO.Compression.FileSystem
  Remove-Item -Force (Join-Path $artifacts 'agentq-*.zip')
  $target = Join-Path $artifacts "$name.zip"
  $names = [string[]] @(Get-ChildItem $tree -Recurse -File | ForEach-Object {
      $_.FullName.Substring($stage.Length + 1) -replace '\\', '/' })
  [Array]::Sort($names, [StringComparer]::Ordinal)
  $zip = [System.IO.Compression.ZipFile]::Open($target, 'Create')
  try {
    foreach ($file in $names) {
      $entry = $zip.CreateEntry($file)
      $entry.LastWriteTime = $built
      $from = [System.IO.File]::OpenRead((Join-Path $stage $file))
      $to = $entry.Open()
      try { $from.CopyTo($to) } finally { $to.Dispose(); $from.Dispose() }
    }
  }
  finally {
    $zip.Dispose()
  }
  Write-Host "packed artifacts\$name.zip ($([int] ((Get-Item $target).Length / 1024)) KiB)"
}

function Format-Sources {
  Assert-Sdk
  Invoke-Quietly 'restore the tools' @('tool', 'restore')
  & dotnet csharpier format .
  if ($LASTEXITCODE -ne 0) { Deny 'the formatter failed.' }
}

function Clear-Artifacts {
  if (Test-Path $artifacts) { Remove-Item -Recurse -Force $artifacts }
  Write-Host 'removed artifacts\'
}

$verb = 'build'
$rest = @()
if ($args.Count -gt 0) { $verb = "$($args[0])" }
if ($args.Count -gt 1) { $rest = @($args[1..($args.Count - 1)]) }

$code = 0
Push-Location $root
try {
  if ($verb -in 'build', 'demo', 'pack', 'package', 'format', 'clean' -and $rest.Count -gt 0) {
    Deny "'$verb' takes no '$($rest[0])'." 2
  }
  switch ($verb) {
    'build' { Assert-Sdk; Publish-Binary }
    'demo' { Invoke-Demo }
    'test' { Invoke-AllTests $rest }
    'agents' { Deny 'agents that people use are driven in tests on Linux only.' }
    'mutants' { Deny 'the mutation run is a verb of build.sh: use it on Linux, macOS, or in WSL.' }
    'bench' { Deny 'the bench reads /proc and runs on Linux only.' }
    'install' { Install-Binary $rest }
    'uninstall' { Uninstall-Binary $rest }
    'pack' { New-Package }
    'package' { New-Archive }
    'format' { Format-Sources }
    'clean' { Clear-Artifacts }
    { $_ -in 'help', '-h', '--help' } { Show-Help }
    default { Deny "there is no verb '$verb'; '.\build.ps1 help' lists them." 2 }
  }
}
catch {
  $code = 1
  if ($_.Exception -is [Refusal]) { $code = $_.Exception.Code }
  [Console]::Error.WriteLine("build.ps1: $($_.Exception.Message)")
}
finally {
  Pop-Location
}

# Always the last line of a test run, whatever happened.
if ($verb -eq 'test' -and $code -ne 2) {
  Write-Host "$($script:passed) passed, $($script:failed) failed, $($script:skipped) skipped"
}
exit $code
