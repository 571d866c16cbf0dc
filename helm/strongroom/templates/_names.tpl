{{- define "strongroom.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* Name of every object: the release's, with the chart's unless it is in there already. */}}
{{- define "strongroom.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "strongroom.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "strongroom.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "strongroom.selectorLabels" -}}
app.kubernetes.io/name: {{ include "strongroom.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* Of the pod of `helm test`. */}}
{{- define "strongroom.testLabels" -}}
app.kubernetes.io/name: {{ include "strongroom.name" . | trunc 58 | trimSuffix "-" }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* Of every object. What the chart itself says wins: a label twice is no YAML. */}}
{{- define "strongroom.labels" -}}
{{- $own := include "strongroom.selectorLabels" . | fromYaml }}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") }}
{{- $_ := set $own "app.kubernetes.io/version" .Chart.AppVersion }}
{{- $_ := set $own "app.kubernetes.io/managed-by" .Release.Service }}
{{- merge $own .Values.commonLabels | toYaml }}
{{- end }}

{{- /* A name, labels and annotations. `of`: the root; `suffix`, `labels`, `annotations`: of this object, if any. */}}
{{- define "strongroom.metadata" -}}
{{- $suffix := default "" .suffix -}}
name: {{ include "strongroom.fullname" .of | trunc (sub 63 (len $suffix) | int) | trimSuffix "-" }}{{ $suffix }}
labels:
  {{- merge (include "strongroom.labels" .of | fromYaml) (default dict .labels) | toYaml | nindent 2 }}
{{- with merge dict (default dict .annotations) .of.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "strongroom.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "strongroom.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "strongroom.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- $tag := default .Chart.AppVersion .Values.image.tag }}
{{- printf "%s:%s%s" .Values.image.repository $tag (.Values.sandbox.enabled | ternary "-sandbox" "") }}
{{- end }}
{{- end }}

{{- /* The Secret of the server's certificate. Blank: plain text. */}}
{{- define "strongroom.tlsSecret" -}}
{{- if .Values.tls.certManager.enabled }}
{{- include "strongroom.fullname" . | trunc 59 | trimSuffix "-" }}-tls
{{- else }}
{{- .Values.tls.secretName }}
{{- end }}
{{- end }}

{{- /* What keeps the pods: with a record, one that gives a pod its volume back. */}}
{{- define "strongroom.kind" -}}
{{- or .Values.audit.persistence.enabled .Values.ledger.persistence.enabled | ternary "StatefulSet" "Deployment" }}
{{- end }}

{{- define "strongroom.appProtocol" -}}
{{- $tls := include "strongroom.tlsSecret" . }}
{{- if and $tls (eq .Values.service.appProtocol "kubernetes.io/h2c") }}
{{- fail "service.appProtocol kubernetes.io/h2c is plain text, and tls encrypts; leave one of them out" }}
{{- end }}
{{- default ($tls | empty | ternary "kubernetes.io/h2c" "https") .Values.service.appProtocol }}
{{- end }}

{{- /* Whether `helm test` can make a call: blank where callers must show what the test has not. */}}
{{- define "strongroom.testable" -}}
{{- $access := .Values.config.access }}
{{- $asked := and (or .Values.tls.clientCa.secretName .Values.tls.clientCa.configMapName) (eq .Values.tls.clientCertificate "required") }}
{{- $certificate := or $asked (has "certificate" $access.require) }}
{{- $token := has "token" $access.require }}
{{- $tests := .Values.tests }}
{{- if and (or $access.allow_anonymous $tests.tokenAudience $tests.certificateSecret) (or (not $certificate) $tests.certificateSecret) (or (not $token) $tests.tokenAudience) }}yes{{ end }}
{{- end }}

{{- /* The ports of config: one place says them, and container ports, probes and Services follow. */}}
{{- define "strongroom.port" -}}
{{- regexFind "[0-9]+$" .Values.config.server.listen }}
{{- end }}

{{- /* Blank with "off". */}}
{{- define "strongroom.adminPort" -}}
{{- regexFind "[0-9]+$" .Values.config.admin.listen }}
{{- end }}

{{- define "strongroom.sandboxPort" -}}
{{- regexFind "[0-9]+$" .Values.config.sandbox.listen }}
{{- end }}

{{- /* strongroom.toml. JSON's texts, lists of texts and booleans are TOML's too; tables with
       names become keys with dots; numbers arrive as floats, and a whole
       one must not be written as 256.0 or 4.194304e+06. */}}
{{- define "strongroom.toml" -}}
{{- range $section, $keys := .Values.config }}
{{- if or (ne $section "sandbox") $.Values.sandbox.enabled }}
[{{ $section }}]
{{- range $key, $value := $keys }}
{{- if or (kindIs "bool" $value) (kindIs "float64" $value) (kindIs "int64" $value) (kindIs "int" $value) $value }}
{{- if and (kindIs "float64" $value) (eq $value (floor $value)) (ne $key "sample_ratio") }}
{{ $key }} = {{ int64 $value }}
{{- else if kindIs "map" $value }}
{{- range $name, $table := $value }}
{{- if not (kindIs "map" $table) }}
{{ $key }}.{{ $name }} = {{ toJson $table }}
{{- else }}
{{- range $inner, $text := $table }}
{{- if kindIs "map" $text }}
{{- range $claim, $said := $text }}
{{ $key }}.{{ $name }}.{{ $inner }}.{{ toJson $claim }} = {{ toJson $said }}
{{- end }}
{{- else }}
{{ $key }}.{{ $name }}.{{ $inner }} = {{ toJson $text }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- else }}
{{ $key }} = {{ toJson $value }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{ end }}
{{- end }}

{{- /* resources.limits.memory in bytes, as Kubernetes reads quantities. Blank: there is no limit. */}}
{{- define "strongroom.memoryLimitBytes" -}}
{{- if .Values.prometheusRule.memoryLimitBytes }}
{{- .Values.prometheusRule.memoryLimitBytes | int64 }}
{{- else if (default dict .Values.resources.limits).memory }}
{{- $quantity := .Values.resources.limits.memory | toString }}
{{- $number := regexFind "^[0-9.]+" $quantity | float64 }}
{{- $units := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 }}
{{- $unit := trimPrefix (regexFind "^[0-9.]+" $quantity) $quantity }}
{{- if not (hasKey $units $unit) }}
{{- fail (printf "resources.limits.memory %q: the alert on memory knows no unit %q; set prometheusRule.memoryLimitBytes" $quantity $unit) }}
{{- end }}
{{- mulf $number (get $units $unit) | int64 }}
{{- end }}
{{- end }}
