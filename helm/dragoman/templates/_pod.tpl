{{/* What the gateway's container and the check of its config have in common. */}}

{{- define "dragoman.environment" -}}
- { name: DRAGOMAN_SERVER__LISTEN, value: "0.0.0.0:8080" }
- { name: DRAGOMAN_SERVER__ADMIN, value: "0.0.0.0:9090" }
- { name: DRAGOMAN_SERVER__DRAIN_TIMEOUT, value: {{ printf "%ds" (int .Values.drainSeconds) | quote }} }
- { name: DRAGOMAN_LOG, value: {{ .Values.log.level | quote }} }
- { name: DRAGOMAN_LOG_FORMAT, value: {{ .Values.log.format | quote }} }
{{- if .Values.tls.secretName }}
- { name: DRAGOMAN_SERVER__TLS__CERT, value: /run/tls/tls.crt }
- { name: DRAGOMAN_SERVER__TLS__KEY, value: /run/tls/tls.key }
{{- end }}
{{- if .Values.admin.tls.secretName }}
- { name: DRAGOMAN_SERVER__ADMIN_TLS__CERT, value: /run/admin/tls.crt }
- { name: DRAGOMAN_SERVER__ADMIN_TLS__KEY, value: /run/admin/tls.key }
{{- end }}
{{- if .Values.admin.tls.clientCA.secretName }}
- { name: DRAGOMAN_SERVER__ADMIN_TLS__CLIENT_CA, value: /run/admin/client_ca.crt }
{{- end }}
{{- if include "dragoman.adminToken" . }}
- { name: DRAGOMAN_SERVER__ADMIN_TOKEN_FILE, value: /run/admin/token }
{{- end }}
{{- if include "dragoman.adminAsks" . }}
- { name: DRAGOMAN_SERVER__ADMIN_API, value: "true" }
{{- if .Values.admin.openMetrics }}
- { name: DRAGOMAN_SERVER__ADMIN_METRICS, value: open }
{{- end }}
{{- end }}
{{- with include "dragoman.publicUrl" . }}
- { name: PUBLIC_URL, value: {{ . | quote }} }
{{- end }}
{{- with .Values.redis.url }}
- { name: REDIS, value: {{ . | quote }} }
{{- end }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "dragoman.mounts" -}}
- { name: config, mountPath: /etc/dragoman, readOnly: true }
- { name: secrets, mountPath: /run/secrets, readOnly: true }
{{- if .Values.tls.secretName }}
- { name: tls, mountPath: /run/tls, readOnly: true }
{{- end }}
{{- if include "dragoman.adminFiles" . }}
- { name: admin, mountPath: /run/admin, readOnly: true }
{{- end }}
{{- end }}

{{- define "dragoman.volumes" -}}
- name: config
  configMap: { name: {{ include "dragoman.configMap" . }} }
- name: secrets
  {{- if or .Values.secrets.create .Values.secrets.existing .Values.redis.passwordSecret }}
  projected:
    defaultMode: 0440
    sources:
      {{- if or .Values.secrets.create .Values.secrets.existing }}
      - secret: { name: {{ include "dragoman.secret" . }} }
      {{- end }}
      {{- if .Values.redis.passwordSecret }}
      - secret:
          name: {{ .Values.redis.passwordSecret }}
          items: [{ key: {{ .Values.redis.passwordKey }}, path: redis_password }]
      {{- end }}
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- if .Values.tls.secretName }}
- name: tls
  secret: { secretName: {{ .Values.tls.secretName }}, defaultMode: 0440 }
{{- end }}
{{- if include "dragoman.adminFiles" . }}
- name: admin
  projected:
    defaultMode: 0440
    sources:
      {{- with .Values.admin.tls.secretName }}
      - secret:
          name: {{ . }}
          items: [{ key: tls.crt, path: tls.crt }, { key: tls.key, path: tls.key }]
      {{- end }}
      {{- with .Values.admin.tls.clientCA }}
      {{- if .secretName }}
      - secret: { name: {{ .secretName }}, items: [{ key: {{ .key }}, path: client_ca.crt }] }
      {{- end }}
      {{- end }}
      {{- with include "dragoman.adminToken" . }}
      - secret: { name: {{ . }}, items: [{ key: {{ include "dragoman.adminTokenKey" $ }}, path: token }] }
      {{- end }}
{{- end }}
{{- end }}
