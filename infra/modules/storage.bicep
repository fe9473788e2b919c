// The one storage account: the app's tables, queues and bulk files, the host's blobs, the deployed package. No keys.
@description('What makes the names unique.')
param token string
@description('Azure region.')
param location string
@description('Tags of everything.')
param tags object
@description('Redundancy.')
param sku string
@description('The app: its identity as Entra knows it.')
param principalId string
@description('Who operates it; empty: nobody.')
param operatorPrincipalId string
@description('The Log Analytics workspace.')
param workspaceId string
@description('Whether each request to tables is logged.')
param logTableAccess bool

// The names of core/storage/names.py; a test compares. They are made here so that the app needs no right to make any.
var tables = [
  'Configuration'
  'SyncState'
  'SyncLog'
  'Quarantine'
  'Audit'
  'Replays'
  'Batches'
]
var queues = [
  'deliveries'
  'deliveries-poison'
  'bulk-sync'
  'bulk-sync-poison'
]
var bulkContainerName = 'bulk'
var packageContainerName = 'app-package'

// Storage Blob Data Owner: what the Functions host asks for on its own storage (leases, timers); bulk files, the package
var blobOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
// Storage Queue Data Contributor: sends, takes and deletes messages, and moves them to the poison queue
var queueContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
// Storage Table Data Contributor: reads and writes rows
var tableContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
// Storage Table Data Reader and Storage Queue Data Reader: an operator looks at the log and at poison messages, and
// changes nothing. Everything else tells of people in clear, and the API shows that with an entry in the table Audit
var tableReader = '76199698-9eea-4c19-bc75-cec21354c6b6'
var queueReader = '19e7f393-937e-4f77-808e-94535e297925'

resource account 'Microsoft.Storage/storageAccounts@2026-04-01' = {
  name: 'st${token}'
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: 'Allow'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: 7
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: 7
    }
  }
}

resource package 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' = {
  parent: blobs
  name: packageContainerName
  properties: {
    publicAccess: 'None'
  }
}

resource bulk 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' = {
  parent: blobs
  name: bulkContainerName
  properties: {
    publicAccess: 'None'
  }
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2026-04-01' = {
  parent: account
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2026-04-01' = [for name in queues: {
  parent: queueService
  name: name
}]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2026-04-01' = {
  parent: account
  name: 'default'
}

resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2026-04-01' = [for name in tables: {
  parent: tableService
  name: name
}]

resource blobRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, principalId, blobOwner)
  scope: account
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobOwner)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource queueRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, principalId, queueContributor)
  scope: account
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', queueContributor)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource tableRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, principalId, tableContributor)
  scope: account
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', tableContributor)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource log 'Microsoft.Storage/storageAccounts/tableServices/tables@2026-04-01' existing = {
  parent: tableService
  name: 'SyncLog'
}

resource operatorReadsLog 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(operatorPrincipalId)) {
  name: guid(log.id, operatorPrincipalId, tableReader)
  scope: log
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', tableReader)
    principalId: operatorPrincipalId
  }
  dependsOn: [
    table
  ]
}

resource deliveriesPoison 'Microsoft.Storage/storageAccounts/queueServices/queues@2026-04-01' existing = {
  parent: queueService
  name: 'deliveries-poison'
}

resource operatorReadsDeliveriesPoison 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(operatorPrincipalId)) {
  name: guid(deliveriesPoison.id, operatorPrincipalId, queueReader)
  scope: deliveriesPoison
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', queueReader)
    principalId: operatorPrincipalId
  }
  dependsOn: [
    queue
  ]
}

resource bulkPoison 'Microsoft.Storage/storageAccounts/queueServices/queues@2026-04-01' existing = {
  parent: queueService
  name: 'bulk-sync-poison'
}

resource operatorReadsBulkPoison 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(operatorPrincipalId)) {
  name: guid(bulkPoison.id, operatorPrincipalId, queueReader)
  scope: bulkPoison
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', queueReader)
    principalId: operatorPrincipalId
  }
  dependsOn: [
    queue
  ]
}

// Who wrote to which queue: the alert on poison messages asks it. Reads are left out, the host polls all day.
resource queueLog 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: queueService
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageWrite'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'Transaction'
        enabled: true
      }
    ]
  }
}

// Who read, wrote or deleted which blob: uploads of bulk work hold people in clear.
resource blobLog 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: blobs
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageRead'
        enabled: true
      }
      {
        category: 'StorageWrite'
        enabled: true
      }
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
  }
}

// The same of tables, where it is wanted: the app's own requests are in it, some ten for each capture.
resource tableLog 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (logTableAccess) {
  name: 'to-workspace'
  scope: tableService
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageRead'
        enabled: true
      }
      {
        category: 'StorageWrite'
        enabled: true
      }
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
  }
}

@description('The storage account.')
output name string = account.name
@description('Where blobs are.')
output blobEndpoint string = account.properties.primaryEndpoints.blob
@description('Where queues are.')
output queueEndpoint string = account.properties.primaryEndpoints.queue
@description('Where tables are.')
output tableEndpoint string = account.properties.primaryEndpoints.table
@description('The container that the deployed package lies in.')
output packageContainer string = package.name
