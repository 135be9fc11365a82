{{/* Names and labels that several templates share. */}}

{{- define "dragoman.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* What finds the gateway's pods, and only them. */}}
{{- define "dragoman.selector" -}}
{{ include "dragoman.release" . }}
app.kubernetes.io/component: gateway
{{- end }}

{{- define "dragoman.release" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "dragoman.labels" -}}
{{ include "dragoman.release" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "dragoman.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "dragoman.configMap" -}}
{{ .Values.existingConfigMap | default (include "dragoman.name" .) }}
{{- end }}

{{- define "dragoman.secret" -}}
{{ .Values.secrets.existing | default (include "dragoman.name" .) }}
{{- end }}

{{/* The Secret with the token of operators; empty: there is none. */}}
{{- define "dragoman.adminToken" -}}
{{- if .Values.admin.token.existingSecret }}{{ .Values.admin.token.existingSecret }}
{{- else if .Values.admin.token.create }}{{ include "dragoman.name" . }}-admin{{ end }}
{{- end }}

{{- define "dragoman.adminTokenKey" -}}
{{ ternary .Values.admin.token.key "token" (not (empty .Values.admin.token.existingSecret)) }}
{{- end }}

{{/* Whether the port of operators asks who they are. */}}
{{- define "dragoman.adminAsks" -}}
{{- if or (include "dragoman.adminToken" .) .Values.admin.tls.clientCA.secretName }}yes{{ end }}
{{- end }}

{{/* Whether its token goes through the cluster in the clear. */}}
{{- define "dragoman.adminInTheClear" -}}
{{- if and (include "dragoman.adminToken" .) (not .Values.admin.tls.secretName) }}yes{{ end }}
{{- end }}

{{/* Whether files are mounted for it. */}}
{{- define "dragoman.adminFiles" -}}
{{- if or (include "dragoman.adminAsks" .) .Values.admin.tls.secretName }}yes{{ end }}
{{- end }}

{{- define "dragoman.adminScheme" -}}
{{ ternary "HTTPS" "HTTP" (not (empty .Values.admin.tls.secretName)) }}
{{- end }}

{{- define "dragoman.claim" -}}
{{ .Values.persistence.existingClaim | default (include "dragoman.name" .) }}
{{- end }}

{{- define "dragoman.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "dragoman.name" .) }}
{{- else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{/* routes.toml: the operator's own as it is, or the chart's that fits. */}}
{{- define "dragoman.config" -}}
{{- if .Values.config }}{{ .Values.config }}
{{- else if .Values.redis.url }}{{ tpl (.Files.Get "files/replicas.toml") . }}
{{- else }}{{ tpl (.Files.Get "files/single.toml") . }}{{ end }}
{{- end }}

{{- define "dragoman.publicUrl" -}}
{{- if .Values.publicUrl }}{{ .Values.publicUrl }}
{{- else if and .Values.ingress.enabled .Values.ingress.hosts }}{{ ternary "https" "http" (not (empty .Values.ingress.tls)) }}://{{ first .Values.ingress.hosts }}
{{- else if and .Values.httpRoute.enabled .Values.httpRoute.hostnames }}https://{{ first .Values.httpRoute.hostnames }}
{{- end }}
{{- end }}

{{/* Whether more than one pod may run at once. */}}
{{- define "dragoman.several" -}}
{{- if or (gt (int .Values.replicas) 1) .Values.autoscaling.enabled }}yes{{ end }}
{{- end }}
